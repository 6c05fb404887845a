package quorum

import "time"

// Raft counts time in ticks. A follower that has not heard of its leader for
// electionTicks to twice as many calls an election, each drawing anew how long it
// waits; a leader that has not heard of a majority for electionTicks steps down.
//
// The goal is a new controller within a second of the old one's death, when
// nobody has been told of it. BenchmarkFailover, ms:
//
//	election  heartbeat  tick   p50  p99
//	      10          2  50 ms  593  911
//	       8          1  50 ms  490  747
//	       6          1  50 ms  361  543
//	      16          2  25 ms  488  741
//
// With 6, a sync of 0.3 s, during which a leader sends nothing, would cost it its
// office. Finer ticks cost wake-ups and change nothing: nodes' ticks are not in
// phase, so that the moments at which followers give up are spread between ticks
// too. A heartbeat each tick makes seven lost in a row what a false election
// takes, and costs 20 small messages a second a follower. Where two followers
// stand at once, it takes another timeout: in fewer than one of 200 failovers.
const (
	TickInterval   = 50 * time.Millisecond
	electionTicks  = 8
	heartbeatTicks = 1
)
