// Package quorum agrees on the metadata: it drives etcd's raft over a log and
// snapshots on the disk, has the leader decide on commands, and publishes the
// images that the committed records make. It declares the Transport that takes
// its messages to the other voters. Nothing in it assumes that there is one
// voter; with one, it elects itself at once and no clock runs.
//
// # Parts
//
// core is the state machine: raft's, the image, and the entry that is on its way.
// It has no goroutine, clock, disk or socket. store is what of it is on the disk.
// Quorum is the shell: it carries the core's effects out, in the order below.
//
// # Goroutines
//
// Run owns them: one that drives the core and writes to the disk (loop), one that
// calls Options.Publish and answers Submit after it (publisher), and one while a
// snapshot is written. The publisher never holds the loop up: where it is slow
// it skips images, and the delta it tells is the sum. Its lock is held for
// copies of pointers only.
//
// # Order of effects
//
// A Ready of raft is carried out in these steps, each of them durable before the
// next begins. A crash after any of them loses nothing that anybody was told:
//
//  1. quorum-state, where term or vote have changed. Crash: the node has
//     promised and told nobody.
//  2. A snapshot from the leader: its file first, then the log starts over behind
//     it. Crash between the two: opening finds a log that ends before the
//     snapshot, or does not agree with it, and starts it over.
//  3. Entries: a suffix that the leader's conflict with is cut off, then they are
//     appended, then synced. Crash: any prefix of them, or the old suffix, is
//     there; neither was acknowledged in this term.
//  4. Messages are handed to the transport: votes and acknowledgements among
//     them speak of what is durable by now.
//  5. Committed entries are applied to the image. Nothing of this is on the
//     disk: after a crash they are applied again, from the snapshot on.
//  6. Raft is told (Advance). Then the image is published, and at last whoever
//     submitted a command that is in it gets the answer.
//
// A snapshot of our own is made from an image, which does not change, beside all
// this: its file becomes durable first, and only then are the entries below it
// and the older snapshots removed. Crash between: both are there, the newer one
// counts.
//
// What was committed before a restart is not known to be so until a leader has
// committed an entry of its own term. quorum-state's commit index is a hint that
// spares a follower some waiting, and is clamped to what the log has.
//
// A write or sync that fails is final: Run returns its error, and nothing is
// tried again.
package quorum
