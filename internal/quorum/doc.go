// Package quorum agrees on the metadata: it drives Raft over a log and snapshots
// of its own, decides commands on the leader, and publishes the image that every
// committed entry leads to.
//
// core is Raft and what must be durable for it, as steps without goroutine or
// clock; Quorum is the shell around it. Its Run owns two goroutines: one for
// everything Raft, which also decides; one that publishes, so that opening a
// thousand logs does not hold up a heartbeat. No lock is held while either
// waits.
//
// What happens in a step, and which crash it survives (ready.go):
//
//  1. A snapshot from the leader is written, then the vote and term, then the
//     entries; all synced.           Crash before: the step has not happened.
//  2. Messages are sent.             Crash before: they are lost, as on any network.
//  3. Committed entries are applied. Crash before: they are in the log, and are
//     applied again from the snapshot on.
//
// It must not know of partitions, coordinators or Kafka's requests.
package quorum
