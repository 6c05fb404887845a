// Package storage is one partition's log on a disk: segments of record batches
// and what is known of them (indexes, leader epochs, producers), their recovery,
// retention and compaction, and the group commit that the logs of one data
// directory share. It knows offsets and batches. It does not know who leads, what
// is committed, or how a setting is spelled, and imports only packages model,
// record and vfs of the project.
//
// # Parts
//
// Log is one partition. Disk is what the logs of a data directory have in
// common: the queue of those with something to sync, the checkpoint files, the
// files that are open for reading, the removal of what was deleted, and the fence.
// A segment is a .log file and its indexes. The last one is written; the others
// are sealed, and change only by being cut, replaced or removed.
//
// Package partition has a log's high watermark and passes it where it matters
// (Retain, Clean, LastStableOffset); what is durable goes up through
// Options.Durable. docs/format.md has the files.
//
// # Goroutines
//
// Disk.Run owns all there are:
//
//   - commit, syncsAtOnce of them: each takes the log that has waited for longest, and
//     syncs it (Log.commit). A log is never with two of them
//   - report calls Options.Durable where no commit does: for logs that
//     flush.messages or flush.ms relax, and after syncs on other ways
//   - settle makes checkpoints of logs that have much above their recovery point,
//     an interval after the first of them had, and sleeps where none has
//   - remover removes what was renamed away file.delete.delay.ms ago
//
// Everything else runs on its caller's goroutine: appends and reads on those of
// connections, Open with its recovery, Retain, Clean and Checkpoint on their
// callers'. The timer of flush.ms only puts the log into commit's queue.
//
// # Locks
//
// In the order in which they are taken:
//
//	Log.cleaning              over a pass of the cleaner, Close and Delete
//	  Log.write               by whoever changes the log; puts appends in order
//	    Log.syncing           while the log's files are synced
//	      checkpoints.write   while the checkpoint files are written
//	        checkpoints.mu    over the points in memory
//	          Log.mu          over what readers see, and what is durable
//	            leaves: queue, remover, handleCache, indexFile, cursors
//
// An append holds write over its write to the file and never over a sync; whatever
// truncates, removes, checkpoints or closes holds write and syncing over its own
// syncs, and appends wait for it. Log.mu is held over no I/O but the renames that
// put other segments in place of some (replaceFiles, replaceAll, which makes the
// empty file as well): no view of the log is right while they last. Durable is called with no lock held.
//
// Readers take a view under mu: the segments, the end, the size of the last one.
// Bytes below that size do not change under them but by an operation that counts
// generation up, and then the read begins again (stable). What lies behind the
// size, zeros or a batch half written, nobody reads.
//
// # Order of effects
//
// Each step is durable before the next begins; the list says what a crash after
// it leaves. Where the code of an operation says more, it is named.
//
// Append (append.go, commit.go):
//
//  1. The batches are written, and can be read. Crash: any part of them is there,
//     with zeros in between or behind. Recovery keeps whole batches up to the
//     first that is not; none was acknowledged.
//  2. The sealed segments that no sync has seen are synced, oldest first, then
//     the last one. Crash: as before; a segment whose name is lost takes what is
//     in it along, and those behind it are dropped as later writing.
//  3. The directory is synced, if a segment was made. Only now is what was
//     appended durable, and Durable told.
//
// Roll (roll.go) syncs nothing: the sealed file and the new name stand in line for
// step 2 and 3. Indexes and snapshot are above the recovery point, and are not
// believed.
//
// Checkpoint (checkpointing.go): records, the producers' snapshot, indexes, leader
// epochs and the directory, in this order; then, for all logs at once, the recovery
// points, starts and cleaned ends (disk_points.go). Crash before the file is
// replaced: the old point counts, and what is above it is checked and built anew.
// Below the point nothing is read again, and a batch that fails there is damage: the
// log does not open, rather than end early. A segment that ends right at the point
// is above it in this: it may have been sealed since.
//
// The log's start (AdvanceStart, Retain) is in the log-start file before anything
// below it goes, and stays there until the first segment's own name is durable and
// those before it are durably gone (putStart). Crash: removed segments may be back,
// all or some; they lie below the start, and go with the next Retain.
//
// TruncateTo, TruncateFullyAndStartAt (truncate.go): first the recovery point is
// lowered, so that recovery will look; then epochs and snapshots of what goes are
// removed; then segments, the last first; then the file with the cut is made shorter.
// Crash: a prefix of the old log, not shorter than what was to remain; starting
// over, a prefix or nothing.
//
// Clean (compact_swap.go): the cleaned segment is whole and synced before its name
// says so, and that name is durable before what it replaces is renamed away. Crash:
// the old segments, or a swap that recovery finishes.
//
// Open (recover.go): the torn tail is cut off, indexes and epochs are brought up to
// what is left, and all of it is synced before any of it is said to be durable.
// Crash: the next Open finds the same, or less of the tail.
//
// Close: the last file is cut to its batches and synced, then a checkpoint. With
// Disk.Checkpoint after it, and the mark that the whole directory was closed in
// order (package broker's), the next start checks nothing.
//
// Move (move.go): a copy is whole, synced and marked before it has the log's name; the
// mark goes when what it was made of has been renamed away. Crash: the old log, or the
// copy, and no doubt which.
//
// Delete renames the directory; the checkpoint files keep its points until they
// are written next, or the name is used again (Disk.Forget).
//
// Small files (checkpoints, epochs, snapshots of a checkpoint) are replaced by
// vfs.WriteFileAtomically: a crash leaves the old or the new.
//
// # Failure
//
// The first write or sync that fails fences the Disk: every later operation of
// every log on it is ErrFenced, those who wait are woken with it, and nothing is
// tried again, since after a failed sync nobody knows what the disk has. Failed
// reads are errors of those who read.
package storage
