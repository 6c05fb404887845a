// Package throttle decides when data may go to followers that are not in sync
// (KIP-73): so many bytes a second of one node as a leader, and of one as a follower.
// It is pure: time comes in, and whose turn it is goes out. The caller serialises the
// calls.
//
// # Who holds back
//
// The leader does both. A stream is pushed: a follower could only leave it unread, which
// holds up all other partitions of it, or its acknowledgements unsent, and it is not the
// one who knows whether commits wait for those. So each leader reads the followers' rates
// in the metadata, and keeps to its part of each: the rate divided by the leaders that
// have something for that follower which is to be held back (RatesOf).
//
// # Who is held back
//
// Followers that the leader counts in no commit: in neither the in-sync set nor the
// one that is proposed (replica.Outside). One that has caught up is proposed in the
// same event, and is free from then on.
//
// Besides these settings, which name replicas, a cluster that evens itself out has the
// copies of its own moves held to a rate (Paced). A leader keeps to it for all its
// copies together; that no follower is sent by several at a time is up to who begins moves.
//
// # How
//
// Who has room may send a little more than there is: what was sent is known when it has
// been read, and a batch is not divided. It is paid for before the next may go, but for
// at most ten seconds: a rate that is far too low, 0 among them, lets one batch go in
// that time. Kafka's measures over as many seconds come to the same.
//
// Who finds no room stands in line, and is called: one at a time, in order of arrival.
// A caller sets an alarm for Next, and hands on what Call returns.
package throttle
