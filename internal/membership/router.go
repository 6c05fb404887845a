package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/wire"
)

// routeAgainAfter is how long a command waits for leadership to settle, where nobody
// has taken it.
const routeAgainAfter = 20 * time.Millisecond

// ErrOutcomeUnknown: the node that decides went away with the command, which may
// have been carried out.
var ErrOutcomeUnknown = errors.New("the controller went away before it answered; the change may have been made")

// Router takes commands to the node that leads the metadata quorum. It is what
// api.Controller wants: a result is given after this node has applied its outcome.
type Router struct {
	quorum   *quorum.Quorum
	network  Network // nil where this node is alone
	roster   *Roster
	catchUps rounds
	decided  func(result any)
}

// catchUpInterval is how far apart a leader is asked for what is newest.
const catchUpInterval = 5 * time.Millisecond

// NewRouter returns a Router; network is nil where this node is alone. decided is told
// what became of commands that this node has decided, in no order; it must not block.
func NewRouter(q *quorum.Quorum, network Network, decided func(result any), logger *slog.Logger) *Router {
	r := &Router{quorum: q, network: network, roster: newRoster(q, logger), decided: decided}
	r.catchUps = rounds{interval: catchUpInterval, do: r.catchUp}
	return r
}

// CatchUp returns an image with everything that the active controller had applied when
// it was called, or the newest there is where ctx ends before. A client may have heard
// of a topic from another node that this one has not heard of yet: what it does not
// find, it looks for once more.
func (r *Router) CatchUp(ctx context.Context) *meta.Image {
	if r.network != nil && r.quorum.Leader() != r.quorum.Node() {
		_ = r.catchUps.await(ctx) // in vain, this node knows what it knows
		return r.quorum.Image()
	}
	// Others may have published, and told clients of, what this node has applied and
	// does not serve yet.
	applied := r.quorum.Applied().Index
	image, _ := r.quorum.Await(ctx, func(i *meta.Image) bool { return i.Index >= applied }) // else the newest
	return image
}

func (r *Router) catchUp(ctx context.Context) error {
	leader := r.quorum.Leader()
	if leader == model.NoNode {
		return ErrNotController
	}
	answer, err := r.network.Request(ctx, leader, KindIndex, nil)
	if err != nil {
		return err
	}
	index, err := decode[uint64](answer)
	if err == nil {
		_, err = r.quorum.Await(ctx, func(i *meta.Image) bool { return i.Index >= index })
	}
	return err
}

// Index is the other side of CatchUp. Other nodes may have published what this one has
// only applied.
func (r *Router) Index() []byte { return encode(r.quorum.Applied().Index) }

// Submit has a command decided, wherever that is. While nobody leads it waits, until
// ctx ends. A command that a leader has taken with it is not sent again: it may be
// carried out twice then.
func (r *Router) Submit(ctx context.Context, command controller.Command) (any, error) {
	for {
		result, err := r.decideHere(ctx, command)
		elsewhere, ok := errors.AsType[*quorum.NotLeaderError](err)
		if !ok || r.network == nil {
			return result, err
		}
		if elsewhere.Leader != model.NoNode {
			result, again, err := r.forward(ctx, elsewhere.Leader, command)
			if !again {
				return result, err
			}
		}
		select {
		case <-time.After(routeAgainAfter):
		case <-ctx.Done():
			return nil, fmt.Errorf("submit %s: %w", command.Name(), ctx.Err())
		}
	}
}

func (r *Router) decideHere(ctx context.Context, command controller.Command) (any, error) {
	result, err := r.quorum.Submit(ctx, command)
	if err == nil {
		r.decided(result)
	}
	return result, err
}

// forward asks another node. again: it has not taken the command.
func (r *Router) forward(ctx context.Context, to model.NodeID, command controller.Command) (result any, again bool, err error) {
	answer, err := r.request(ctx, to, command, model.NewestProtocol)
	if earlier, ok := errors.AsType[*peer.ProtocolError](err); ok {
		answer, err = r.request(ctx, to, command, earlier.Speaks)
	}
	refused, ok := errors.AsType[*wire.Error](err)
	switch {
	case ok:
		return nil, false, refused
	case errors.Is(err, peer.ErrNotSent):
		return nil, ctx.Err() == nil, fmt.Errorf("submit %s: %w", command.Name(), err)
	case ctx.Err() != nil:
		return nil, false, fmt.Errorf("submit %s: %w", command.Name(), ctx.Err())
	case err != nil:
		return nil, false, fmt.Errorf("submit %s: %w: %w", command.Name(), ErrOutcomeUnknown, err)
	}
	d, err := decode[decided](answer)
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("submit %s: node %d: %w", command.Name(), to, err)
	case d.NotLeader:
		return nil, true, nil
	case d.Failure != "":
		return nil, false, fmt.Errorf("submit %s: node %d: %s", command.Name(), to, d.Failure)
	}
	if _, err := r.quorum.Await(ctx, func(i *meta.Image) bool { return i.Index >= d.Index }); err != nil {
		return nil, false, fmt.Errorf("submit %s: apply what it has changed: %w", command.Name(), err)
	}
	result, err = controller.DecodeResult(d.Result)
	return result, false, err
}

// request sends a command as a node knows it that speaks a version of the protocol.
func (r *Router) request(ctx context.Context, to model.NodeID, command controller.Command, speaks model.Protocol) ([]byte, error) {
	body, since, err := controller.EncodeCommand(command, speaks)
	if err != nil {
		return nil, err
	}
	return r.network.RequestSince(ctx, since, to, KindCommand, body)
}

// Status describes the quorum as its leader knows it, who alone knows how far the others
// are; where that cannot be asked, as this node does.
func (r *Router) Status(ctx context.Context) quorum.Status {
	own := r.quorum.Status()
	if r.network == nil || own.Leader == r.quorum.Node() || own.Leader == model.NoNode {
		return own
	}
	answer, err := r.network.Request(ctx, own.Leader, KindQuorum, nil)
	if err != nil {
		return own
	}
	if status, err := decode[quorum.Status](answer); err == nil && status.Leader == own.Leader {
		return status
	}
	return own
}

// DescribeQuorum is the other side of Status.
func (r *Router) DescribeQuorum() []byte { return encode(r.quorum.Status()) }

// Decide is the other side of forward: it decides a command that a node has sent.
func (r *Router) Decide(ctx context.Context, body []byte) ([]byte, error) {
	command, err := controller.DecodeCommand(body)
	var result any
	var index uint64
	if err == nil {
		if result, index, err = r.quorum.Decide(ctx, command); err == nil {
			r.decided(result)
		}
	} else if _, refused := errors.AsType[*wire.Error](err); !refused {
		return nil, err
	}
	if _, elsewhere := errors.AsType[*quorum.NotLeaderError](err); elsewhere {
		return encode(decided{NotLeader: true}), nil
	}
	encoded, err := controller.EncodeResult(result, err)
	if err != nil {
		return encode(decided{Failure: err.Error()}), nil //nolint:nilerr // the asker is told
	}
	return encode(decided{Result: encoded, Index: index}), nil
}
