// Package partition holds the partitions of one node: each a role given by the
// metadata image, a log, a high watermark, and those who wait for either.
//
// A Partition starts no goroutine. It is told of its role by the Set (on the
// metadata applier's goroutine) and of durable progress by its log (on the
// disk's syncing goroutines); clients append and read on theirs. Set.Run owns
// the upkeep: retention and compaction.
//
// A log may move to another log directory while it is in use (moves.go): it is then
// another storage.Log, which Partition.log finds.
//
// Lock order: Partition.moving → storage's cleaning lock → Partition.receiving →
// Partition.role → storage's locks → Partition.mu. The
// role lock is held shared across an append, I/O included: an append must not
// straddle a change of leadership, or a record could be written under an epoch
// that has ended.
//
// It must not know of connections, requests or error codes.
package partition
