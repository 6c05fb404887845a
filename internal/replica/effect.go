package replica

import "github.com/chronik/chronik/internal/model"

// EffectKind says what the caller is to do (package comment).
type EffectKind uint8

// The effects.
const (
	// StartEpoch records that Epoch starts at the log's end.
	StartEpoch EffectKind = iota + 1
	// SaveNormal makes Epoch the durable normal epoch, and then calls NormalSaved.
	SaveNormal
	// Truncate cuts the log to Offset durably, and then calls Truncated.
	Truncate
	// StartOver drops the log durably and begins it at Offset, then calls Truncated.
	StartOver
	// Append appends the batches that came with the Data message, in whose event
	// it is returned.
	Append
	// Send sends Message to Node.
	Send
	// Committed: the high watermark is Offset now.
	Committed
	// Propose submits Change to the controller.
	Propose
	// AdvanceStart drops the records below Offset, as the leader has.
	AdvanceStart
	// Reply gives Answer to the controller.
	Reply
)

// Effect is one thing to do; which fields mean something is up to Kind.
type Effect struct {
	Kind    EffectKind
	Offset  model.Offset
	Epoch   model.LeaderEpoch
	Node    model.NodeID
	Message Message
	Change  *Change
	Answer  Answer
}

// Change proposes another in-sync set. It holds only while the metadata has these
// epochs, and members that join still have these broker epochs.
type Change struct {
	LeaderEpoch    model.LeaderEpoch
	PartitionEpoch model.PartitionEpoch
	ISR            []ChangeMember
	Lost           []model.NodeID
}

// ChangeMember is a member of the proposed set.
type ChangeMember struct {
	Node model.NodeID
	// BrokerEpoch is the incarnation whose log the leader has seen: of the
	// follower's stream where it joins, of the metadata where it stays.
	BrokerEpoch model.BrokerEpoch
}

// Answer is what a replica tells an election. Among answers the greatest
// NormalEpoch wins, then the greatest End.
type Answer struct {
	LeaderEpoch model.LeaderEpoch // of the question
	NormalEpoch model.LeaderEpoch
	End         model.Offset
	// HighWatermark is the end of what the replica knows to be committed.
	HighWatermark model.Offset
	LastEpoch     model.LeaderEpoch
}
