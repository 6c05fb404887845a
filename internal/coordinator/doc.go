// Package coordinator runs coordinators: state machines whose state is the
// content of an internal topic. Each partition of the topic that this node
// leads is a shard, with a state machine of its own: loaded from the log, then
// fed one event at a time:
//
//	decide → append → replay into the state → reply once it is committed
//
// A reply never tells of a state that is not committed: it waits until the high
// watermark has reached all that the shard had written when it was decided.
//
// Goroutines: Runtime.Run owns one per shard, which loads it and then sleeps
// until the machine's next deadline. Events run on their callers' goroutines.
// Locks: Runtime.mu → Shard.mu. Shard.mu is held across an append, I/O included:
// that is what makes events of a shard one at a time, and records reach the log
// in the order in which they were decided. It is not held while a commit is
// waited for.
//
// It must not know of groups, transactions, connections or metadata.
package coordinator
