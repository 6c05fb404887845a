package coordinator

import "fmt"

// State is where a shard is in its life.
//
//	              ┌──────────── retry ───────────┐
//	              ▼                              │
//	Elected ──▶ loading ──log read──▶ active ──▶ failed
//	              │  └─────────────────┼─────────▲│   a read or an append that
//	              │                    │          │   leaves the state unsure
//	              └───── Resigned ─────┴──▶ closed ◀
type State int8

// The states.
const (
	Loading State = iota // answers ErrLoading
	Active               // takes events
	Failed               // answers ErrUnavailable; loads again after a pause
	Closed               // answers ErrNotLeader; final
)

func (s State) String() string {
	switch s {
	case Loading:
		return "loading"
	case Active:
		return "active"
	case Failed:
		return "failed"
	case Closed:
		return "closed"
	}
	return fmt.Sprintf("State(%d)", int8(s))
}

// may reports whether the diagram has an arrow from s to next.
func (s State) may(next State) bool {
	switch s {
	case Loading:
		return next != Loading
	case Active:
		return next == Failed || next == Closed
	case Failed:
		return next == Loading || next == Closed
	case Closed:
	}
	return false
}

// refusal is what a shard that is not active answers.
func (s State) refusal() error {
	switch s {
	case Active:
		return nil
	case Loading:
		return ErrLoading
	case Failed:
		return ErrUnavailable
	case Closed:
	}
	return ErrNotLeader
}
