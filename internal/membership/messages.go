package membership

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
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
	KindLoads                          // request: nothing; balance.Report
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
