package membership

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/wire"
)

// Kinds of messages and requests between nodes.
const (
	KindRaft      peer.Kind = iota + 1 // package peer's, to the quorum
	KindCommand                        // request: a command; answered with a decided
	KindHeartbeat                      // request: controller.Heartbeat; controller.HeartbeatAnswer
	KindQuestion                       // message: controller.Question
	KindAnswer                         // message: controller.Answer
	KindQuorum                         // request: nothing; quorum.Status
	KindIndex                          // request: nothing; the index of the newest image that is applied, JSON
	KindStarted                        // message: nothing; who hears it connects at once
	KindPresence                       // request: nothing; nothing
	KindJoin                           // request, to any node: Joining; membersChanged
	KindMembers                        // request, to the controller: memberChange; membersChanged
	KindLoads                          // request: nothing; balance.Report
	KindRaftPiece                      // request: package peer's, a part of a message to the quorum; nothing
	KindStanding                       // request, to any node: a model.BrokerEpoch of who asks, JSON; standing
	KindPace                           // request, since Protocol2: throttle.Paced; nothing
)

// decided is what became of a command.
type decided struct {
	// Result is the command's own, or its refusal (controller.EncodeResult).
	Result json.RawMessage `json:"result,omitempty"`
	// NotLeader: the node does not decide on commands.
	NotLeader bool `json:"notLeader,omitempty"`
	// Failure is any other error; the command may have been carried out.
	Failure string `json:"failure,omitempty"`
	// Index is of the image that has the outcome.
	Index uint64 `json:"index,omitempty"`
}

// memberChange is a change of the cluster's nodes; one of the fields is set.
type memberChange struct {
	Join        *Joining      `json:"join,omitempty"`
	AddVoter    *voter        `json:"addVoter,omitempty"`
	RemoveVoter *voter        `json:"removeVoter,omitempty"`
	Unregister  *model.NodeID `json:"unregister,omitempty"`
}

// membersChanged is what became of a memberChange.
type membersChanged struct {
	// Refused is for who has asked.
	Refused *wire.Error `json:"refused,omitempty"`
	// NotLeader: the node does not decide on it, and has not.
	NotLeader bool `json:"notLeader,omitempty"`
	// Failure is any other error; the change may have been made.
	Failure string `json:"failure,omitempty"`
	// Index is of an image that has the outcome.
	Index uint64 `json:"index,omitempty"`
	// Joined is of a Joining.
	Joined *Joined `json:"joined,omitempty"`
}

// err is why the change was not made, or may not have been; nil where it was.
func (c *membersChanged) err() error {
	switch {
	case c.Refused != nil:
		return c.Refused
	case c.NotLeader:
		return ErrNotController
	case c.Failure != "":
		return fmt.Errorf("%w: %s", ErrOutcomeUnknown, c.Failure)
	}
	return nil
}

// standing is what a node's metadata says of a run of another; neither is set where that is
// registered, or where the node does not know.
type standing struct {
	// Replaced: another run has registered since.
	Replaced bool `json:"replaced,omitempty"`
	// Removed: the node is not registered any more.
	Removed bool `json:"removed,omitempty"`
}

// voter names a node, by its data directory too where that is known.
type voter struct {
	Node      model.NodeID      `json:"node"`
	Directory model.DirectoryID `json:"directory,omitzero"`
}

// Network takes messages and requests to other nodes (package peer).
type Network interface {
	Send(to model.NodeID, kind peer.Kind, body []byte)
	Request(ctx context.Context, to model.NodeID, kind peer.Kind, body []byte) ([]byte, error)
	RequestSince(ctx context.Context, since model.Protocol, to model.NodeID, kind peer.Kind, body []byte) ([]byte, error)
	Probe(ctx context.Context, node model.NodeID) error
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("membership: BUG: %T cannot be encoded: %v", v, err))
	}
	return b
}

func decode[T any](body []byte) (v T, err error) {
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("decode %T: %w", v, err)
	}
	return v, nil
}
