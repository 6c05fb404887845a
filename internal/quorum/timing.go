package quorum

import "time"

// Raft counts time in ticks. A follower that has not heard of its leader for
// electionTicks to twice as many calls an election, each drawing anew how long it
// waits; a leader that has not heard of a majority for electionTicks steps down.
//
// The goal is a new controller within a second of the old one's death. 0.4 to
// 0.8 s of silence, of which the first of two followers waits 0.5 s in the
// median, and then two rounds of messages with one sync each.
// Shorter, and a disk that takes a few tenths of a second for a sync, during
// which a leader sends nothing, would cost it its office. A heartbeat each tick
// makes seven lost in a row what a false election takes, and costs an idle
// cluster 20 small messages a second a follower. Finer ticks would cost wake-ups
// and change nothing: nodes' ticks are not in phase, so that the moments at which
// followers give up are spread between ticks too.
const (
	TickInterval   = 50 * time.Millisecond
	electionTicks  = 8
	heartbeatTicks = 1
)
