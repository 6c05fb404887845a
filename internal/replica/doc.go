// Package replica decides what one replica of a partition does as its leader or
// as a follower: how far records are committed, who is in sync, where logs
// diverge, what to answer to an election. It is pure: events in, effects out; no
// clock, goroutine, disk or socket. One Replica is one partition on one node; the
// caller serialises its methods (production: the partition's lock; the
// simulator: its event loop). docs/replication.md is the protocol, with the
// stories that shaped it.
//
// # The contract with the caller
//
// After any event method the caller takes the effects with Take and carries them
// out in order. What it must make durable before the event that reports it:
//
//  1. StartEpoch: where the epoch starts is in the log's epoch history. It has to be
//     durable no sooner than the epoch's first record: of an epoch without records
//     nobody holds anything, as its followers never hear where it starts.
//  2. SaveNormal: the normal epoch; then NormalSaved. The log up to the end that
//     was reported by Synced is durable before. It is asked for only when what the epoch's leader had when elected is synced, by the leader too.
//  3. Truncate, StartOver: the log is cut, so that no crash brings the records back,
//     and with it the epochs that start at or after the cut, also where it is the
//     log's end; then Truncated. Nothing is appended in between. StartOver is all or
//     nothing: no crash leaves the log empty with another start.
//  4. Synced(end): every record below end. A sync that began before a cut is not
//     reported after it: what it synced may have made room for something else.
//  5. Send may be lost, delayed, doubled and overtaken. A message that is lost, or
//     whose batches are refused (checksum, offsets), is a broken connection: the
//     caller tells the follower with Reconnect.
//  6. Propose may be lost, or carried out any time later, or both. The answer is
//     a View.
//  7. A client's batch is appended only while Leads, and Apply does not come
//     in between: the end that an election is told must not move any more.
//
// What effects point to is good until the next event.
//
// # Crashes
//
// Durable are the log, the epoch history and the normal epoch; the rest is gone
// after a crash, and none of it was promised to anybody:
//
//   - A leader that crashes between StartEpoch and SaveNormal leads an epoch in
//     which nothing was committed: it does not count itself before NormalSaved.
//   - A follower that crashes after Truncate is in an earlier normal epoch with a
//     shorter log. What it cut its leader does not have, so it was not committed.
//   - A follower that crashes between Synced and SaveNormal holds more than its
//     normal epoch says. It was not counted, so nobody relies on it.
//   - A crash between SaveNormal and the acknowledgement is one between the
//     acknowledgement's sending and its arrival.
//   - A proposal under way when the leader crashes may still be committed: the
//     next leader reads the set from its own View.
package replica
