package quorum

import (
	"bytes"
	"context"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/plant"
)

// Ready is what raft wants done: Steps in their order, each of them complete
// before the next begins, and then Machine.Advance. A crash may come anywhere.
type Ready struct {
	Steps []Step
	raft  raft.Ready
}

// StepKind says what a step does.
type StepKind uint8

// The kinds, by number of the order of effects (package comment).
const (
	SaveState       StepKind = iota + 1 // State
	InstallSnapshot                     // Snapshot
	AppendEntries                       // Entries
	SendMessages                        // Messages
)

// Step is one effect; the field that its kind names is set.
type Step struct {
	Kind     StepKind
	State    *HardState
	Snapshot *Snapshot
	Entries  []*Entry
	Messages []*Message
}

// Perform carries a step out. It returns when the step is durable; send must not
// block.
func (s *Step) Perform(ctx context.Context, store Store, send func([]*Message)) error {
	switch s.Kind {
	case SaveState:
		return store.SaveState(s.State)
	case InstallSnapshot:
		return store.Install(s.Snapshot)
	case AppendEntries:
		return store.Append(ctx, s.Entries)
	case SendMessages:
		send(s.Messages)
	}
	return nil
}

// steps orders the effects of a Ready. state is the promise to be saved, or nil.
func steps(rd raft.Ready, state *HardState) []Step {
	var list []Step
	if state != nil {
		list = append(list, Step{Kind: SaveState, State: state})
	}
	if !raft.IsEmptySnap(rd.Snapshot) {
		list = append(list, Step{Kind: InstallSnapshot, Snapshot: rd.Snapshot})
	}
	if len(rd.Entries) > 0 {
		list = append(list, Step{Kind: AppendEntries, Entries: rd.Entries})
	}
	if len(rd.Messages) > 0 {
		list = append(list, Step{Kind: SendMessages, Messages: withoutRepeats(rd.Messages)})
	}
	if plant.On(plant.VoteNotSynced) {
		list = sentFirst(list, raftpb.MsgVoteResp)
	}
	if plant.On(plant.EntriesNotSynced) {
		list = sentFirst(list, raftpb.MsgAppResp)
	}
	return list
}

// withoutRepeats leaves out a heartbeat where a later one says the same: raft makes one
// to prove leadership, and one because it is time.
func withoutRepeats(messages []*Message) []*Message {
	kept := make([]*Message, 0, len(messages))
	for i, m := range messages {
		repeats := func(later *Message) bool {
			return later.GetType() == raftpb.MsgHeartbeat && later.GetTo() == m.GetTo() && bytes.Equal(later.GetContext(), m.GetContext())
		}
		if m.GetType() != raftpb.MsgHeartbeat || !slices.ContainsFunc(messages[i+1:], repeats) {
			kept = append(kept, m)
		}
	}
	return kept
}

// sentFirst moves messages of a type before everything else. Only planted bugs
// do that.
func sentFirst(list []Step, moved raftpb.MessageType) []Step {
	is := func(m *Message) bool { return m.GetType() == moved }
	last := len(list) - 1
	if last < 1 || list[last].Kind != SendMessages || !slices.ContainsFunc(list[last].Messages, is) {
		return list
	}
	var early, late []*Message
	for _, m := range list[last].Messages {
		if is(m) {
			early = append(early, m)
		} else {
			late = append(late, m)
		}
	}
	moves := append([]Step{{Kind: SendMessages, Messages: early}}, list[:last]...)
	if len(late) > 0 {
		moves = append(moves, Step{Kind: SendMessages, Messages: late})
	}
	return moves
}
