package replica

import "github.com/chronik/chronik/internal/model"

// Stream numbers the conversations of a follower with a leader: its
// incarnation, and a count within it. A message that is not of the newest is of a
// past in which the follower's log may have been another.
type Stream struct {
	BrokerEpoch model.BrokerEpoch
	Number      uint32
}

func (s Stream) before(t Stream) bool {
	return s.BrokerEpoch < t.BrokerEpoch || s.BrokerEpoch == t.BrokerEpoch && s.Number < t.Number
}

// Kind says which of a Message's fields mean something. All have Stream and Epoch.
type Kind uint8

// The messages, in the order of a conversation.
const (
	// Position (follower → leader): where my log stands. Start, End, LastEpoch.
	Position Kind = iota + 1
	// Diverged (leader → follower): the greatest epoch of my log that is not
	// greater than your last is LastEpoch, and ends at End. Cut, and ask again.
	Diverged
	// Agreed (leader → follower): our logs agree up to End: cut the rest; or, with
	// StartOver, drop everything and begin at End. ElectedEnd.
	Agreed
	// Data (leader → follower): batches from End on, which may be none.
	// NewestEpoch, HighWatermark, Start.
	Data
	// Ack (follower → leader): End is my durable end. Normal.
	Ack
)

// Message is what the replicas of a partition say to each other. Epoch is the
// leader epoch that its sender knows; a receiver that knows a newer one drops it.
type Message struct {
	Kind   Kind
	Stream Stream
	Epoch  model.LeaderEpoch
	Start  model.Offset // log start offset
	End    model.Offset
	// LastEpoch is the last that the log has; NoLeaderEpoch where it is empty.
	LastEpoch model.LeaderEpoch
	StartOver bool
	// ElectedEnd is the leader's log end when it was elected.
	ElectedEnd    model.Offset
	HighWatermark model.Offset
	// NewestEpoch is the greatest epoch among the batches, as the receiver reads it
	// in them; NoLeaderEpoch where there are none.
	NewestEpoch model.LeaderEpoch
	// Normal: the follower is normal in Epoch, durably.
	Normal bool
}
