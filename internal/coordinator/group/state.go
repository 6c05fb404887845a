package group

import "fmt"

// State is the state of a group. The words are Kafka's, and go over the wire.
//
//	            ┌────────── all members gone ──────────┐
//	            ▼                                       │
//	 ┌──────▶ Empty ──member joins──▶ PreparingRebalance ──join phase over──▶ CompletingRebalance
//	created     │                       ▲        ▲                                │       │
//	            │ deleted               │        └── joins, leaves, does not sync ┘       │
//	            ▼                       │                                                │
//	          Dead                      └── joins, leaves, session ends ── Stable ◀── leader syncs
type State int8

// The states.
const (
	Empty State = iota
	PreparingRebalance
	CompletingRebalance
	Stable
	Dead
)

func (s State) String() string {
	switch s {
	case Empty:
		return "Empty"
	case PreparingRebalance:
		return "PreparingRebalance"
	case CompletingRebalance:
		return "CompletingRebalance"
	case Stable:
		return "Stable"
	case Dead:
		return "Dead"
	}
	return fmt.Sprintf("State(%d)", int8(s))
}

// may reports whether the diagram has an arrow from s to next.
func (s State) may(next State) bool {
	switch next {
	case Empty, CompletingRebalance:
		return s == PreparingRebalance
	case PreparingRebalance:
		return s == Empty || s == CompletingRebalance || s == Stable
	case Stable:
		return s == CompletingRebalance
	case Dead:
		return s == Empty
	}
	return false
}

// Transition is a change of a group's state, for the log.
type Transition struct {
	Group      string
	From, To   State
	Generation int32
	Members    int
	Reason     string
}
