package quorum

import "time"

// Raft counts time in ticks. A follower that has not heard of its leader for
// electionTicks to twice as many calls an election, each drawing anew how long it
// waits; a leader that has not heard of a majority for electionTicks steps down.
//
// These are for a leader that falls silent. Where its process is gone, its connections
// end, and the others elect at once (Machine.LeaderGone): 10 ms instead of 800. So they
// need not be as short as can be, which an idle cluster would pay for: with a tick and a
// heartbeat every 50 ms three idle nodes took 3.8 % of a core.
//
// A controller that stands still is replaced within 1.3 s, and after a broker's session
// more its partitions have other leaders: within 3 s in all. A sync of 0.3 s, during
// which a leader sends nothing, does not cost it its office. Heartbeats are the proofs of
// leadership too that brokers' leases take (ConfirmSoon), and all that an idle cluster
// sends: 2.5 a second to each node. The clock is told of ticks only where one matters
// (TicksAhead).
const (
	TickInterval   = 100 * time.Millisecond
	electionTicks  = 7
	heartbeatTicks = 4
	// ProofInterval is how long ConfirmSoon takes at most, on a network that works.
	ProofInterval = heartbeatTicks * TickInterval
)
