// Package quorum agrees on the metadata: it drives etcd's raft over a log and
// snapshots on the disk, has the leader decide on commands, and publishes the
// images that the committed records make. It declares the Transport that takes
// its messages to the other voters. Nothing in it assumes that there is one
// voter; with one, it elects itself at once and no clock runs.
//
// # Parts
//
// Machine is the state machine: raft's, the image, the members, and the entry that
// is on its way. It has no goroutine, clock, disk or socket. Store is what of it
// is durable; there is one on a file system. Quorum is the shell: it carries out
// the steps of each of the Machine's Readies. A simulator is another driver of the
// same Machine, with a Store of its own.
//
// # Goroutines
//
// Run owns them: one that drives the Machine and writes to the disk (loop), one that
// calls Options.Publish and answers Submit after it, one that calls Follow and Lead and
// answers Confirm (both are publishers), and one while a
// snapshot is written. A publisher never holds the loop up: where it is slow
// it skips images, and the delta it tells is the sum. Its lock is held for
// copies of pointers only.
//
// # Order of effects
//
// A Ready of raft is carried out in these steps, each of them durable before the
// next begins. Machine.Ready lists 1 to 4 in this order, and leaves out what there
// is nothing to do for. A crash after any of them loses nothing that anybody was
// told:
//
//  1. Term and vote, where they have changed (SaveState). Crash: the node has
//     promised and told nobody.
//  2. A snapshot from the leader takes the place of all there is
//     (InstallSnapshot). Crash: it has or it has not.
//  3. Entries: a suffix that the leader's conflict with is cut off, then they are
//     appended, then synced (AppendEntries). Crash: any prefix of them, or the old
//     suffix, is there; neither was acknowledged in this term.
//  4. Messages are handed to the transport (SendMessages): votes and
//     acknowledgements among them speak of what is durable by now.
//  5. Committed entries are applied to the image and to the members
//     (Machine.Advance). Nothing of this is on the disk: after a crash they are
//     applied again, from the snapshot on.
//  6. Raft is told. Then the image is published, and at last whoever submitted a
//     command that is in it gets the answer.
//
// A snapshot of our own is made from an image, which does not change, beside all
// this: its file becomes durable first, and only then are the entries below it
// and the older snapshots removed. Crash between: both are there, the newer one
// counts.
//
// What was committed before a restart is not known to be so until a leader has
// committed an entry of its own term. The commit index beside term and vote is a
// hint that spares a follower some waiting. It is never beyond what the log has of
// committed entries (Machine.promise), nor so old that two changes of members lie
// behind it (Machine.stateAtStart).
//
// A write or sync that fails is final: Run returns its error, and nothing is
// tried again.
package quorum
