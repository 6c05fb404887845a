// Package replication carries the messages of partitions' replicas between nodes:
// one stream from each follower's node to each leader's, for all partitions that
// the one follows and the other leads (docs/replication.md).
//
//	follower's node                                   leader's node
//	  outlet ── Position, Ack: the newest of each ────▶ feeds  ── Partition.Receive
//	            partition, gathered into a frame          │
//	  inlet ◀── Diverged, Agreed, Data ──────────────── feeds  ── Partition.Next, in turn
//
// The producer's bytes go from the leader's file into the frame, and from the frame
// into the follower's file. Nothing is encoded anew, and nothing waits for the disk
// but the follower's acknowledgement.
//
// # Fairness
//
// A leader serves its partitions in turn, at most a frame of each. What a follower
// has been sent and has not synced is bounded, of each partition and of all: a
// partition that catches up keeps its part of the window, and one whose followers
// have everything may always send. So the queue that new records wait in is as
// long as the window at most.
//
// Data to followers that no commit waits for passes package throttle besides. A feed that it
// holds back is in no queue; it is called when there is room, or when its follower is
// about to join.
//
// # Goroutines and locks
//
// A stream has two goroutines at each end, one that reads and one that writes; Run
// owns the follower's, the peer network's handler the leader's. Where nothing else is
// under way, who appends or has synced writes what follows from that itself, as far as
// that takes no waiting (sender). Partitions call Send
// and Wake with their lock held; so the locks here are leaves, and no partition is
// called under them but for what takes no lock. feeds.mu is before throttling's.
package replication
