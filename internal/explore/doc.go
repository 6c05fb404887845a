// Package explore visits all states that three brokers with one partition can get
// into, within bounds, and checks in each what docs/replication.md promises. It is
// for what chance does not meet: package sim runs long stories of many brokers, this
// one every short story of few.
//
// The brokers run the state machines of production: replica.Replica, the controller's
// commands on meta.Image, and controller.Supervisor for elections. What is written
// here is the world between them: disks, connections, the metadata log and clients.
// Search goes breadth first, so that the story it tells of a broken promise is one of
// the fewest choices.
//
// # States
//
// A state is a few numbers (state), which name brokers, queues and versions of the
// metadata in tables; what happens to a broker is found once for all the states that
// have it in common (outcome). Of the states seen only a hash of 64 bits is kept:
// among n states, one is taken for another with a chance of n²/2⁶⁵. A story is found
// again from the places of its events in the lists of what could happen.
//
// # Choices
//
// What is due by itself (a step on a disk, a message's arrival, a decision of the
// controller) happens at once, in a fixed order, unless it is held (lanes). A held lane
// goes on when everything else has come to a stop, between any two other events, one
// step at a time. Bounds.Delays is how often something may be held (Emmi, Qadeer and
// Rakamarić, "Delay-bounded scheduling", 2011). With enough delays that is every
// interleaving; with few it is those that few surprises make, which is where the
// mistakes of protocols are. Clients, crashes, fences, lags and settings come at any
// time at which nothing is due that is not held; so a crash in the midst of something
// costs a delay.
//
// # Checks
//
// The invariants have the names that package sim gives them, and are checked where
// they can break: LeaderCompleteness and SingleLeaderPerEpoch when a broker begins to
// lead; MonotonicHighWatermark, NoAckedLoss and QuorumHoldsHighWatermark when a leader
// commits; EpochsNeverGoBack when metadata are applied; LogMatching and
// ReadsBelowHighWatermark of a replica after whatever happens to it; and
// ReplicaInvariants is Replica.Check. A client is told of a record when the leader
// commits it: another record committed at its offset is NoAckedLoss. In
// QuorumHoldsHighWatermark a broker that has lost data by a fault counts as a holder
// from then on, since its leader may not have heard; LeaderCompleteness sees to what
// matters of that.
//
// # What is left out
//
//   - A loss of power with nothing unsynced, which is a killed process but for the
//     report that it was unclean.
//   - Time. All events are at one moment. That a follower lags, and that a proposal
//     is not heard of, are events; a position that was lost is asked again by a new
//     connection. Leases are not here: they hang on clocks alone.
//   - Messages. A queue holds Bounds.InFlight of them, and loses the oldest where there
//     are more; an acknowledgement takes the place of the one before it in its stream.
//     So that an acknowledgement arrives after the next was sent is not seen, unless
//     it might as well have arrived before. None is doubled: a second copy of a message
//     of a stream comes in order too, and is overtaken by the first. What is sent to a
//     broker that is down is lost; what a broker has sent before a crash arrives.
//   - Data carry one record, or the high watermark alone. More in one message are like
//     several with nothing between them.
//   - The log on disk: a killed process leaves all it has written, a loss of power a
//     prefix of what was not synced. Epochs' starts are on disk at once. No retention,
//     compaction or DeleteRecords: logs start at 0.
//   - Raft. The metadata log is a list, of which each broker has applied a prefix, one
//     entry after another or all at once. The controller's memory beyond the image
//     is the answers it has heard; each decision is taken by a new Supervisor, as if it
//     had just been elected. Of one broker's proposals two are on their way at most.
//   - A broker that restarts applies the metadata up to its registration at once, and
//     is registered at once: what comes before that it takes no part in.
//   - Controlled shutdown, reassignment, more partitions, transactions, idempotence.
//   - The versions of the metadata that all have applied, and the leaders of epochs that
//     nobody is in any more, are forgotten.
package explore
