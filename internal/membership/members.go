package membership

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/wire"
)

// AddVoter is Roster.AddVoter of the active controller, wherever that is.
func (r *Router) AddVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error {
	_, err := r.changeMembers(ctx, memberChange{AddVoter: &voter{node, directory}})
	return err
}

// RemoveVoter is Roster.RemoveVoter of the active controller, which may be another one
// in the end.
func (r *Router) RemoveVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error {
	_, err := r.changeMembers(ctx, memberChange{RemoveVoter: &voter{node, directory}})
	return err
}

// Unregister is Roster.Unregister of the active controller.
func (r *Router) Unregister(ctx context.Context, node model.NodeID) error {
	_, err := r.changeMembers(ctx, memberChange{Unregister: &node})
	return err
}

// LetIn is the other side of Join: any node takes a Joining to the active controller.
func (r *Router) LetIn(ctx context.Context, body []byte) ([]byte, error) {
	j, err := decode[Joining](body)
	if err != nil {
		return nil, err
	}
	changed, err := r.changeMembers(ctx, memberChange{Join: &j})
	if _, refused := errors.AsType[*wire.Error](err); err != nil && !refused {
		return nil, err
	}
	return encode(changed), nil
}

// Join asks a node to have this one let in. A refusal is a *wire.Error.
func Join(ctx context.Context, network Network, to model.NodeID, j Joining) (Joined, error) {
	answer, err := network.RequestSince(ctx, model.Protocol2, to, KindJoin, encode(j))
	if err != nil {
		return Joined{}, err
	}
	changed, err := decode[membersChanged](answer)
	if err == nil {
		err = changed.err()
	}
	if err == nil && changed.Joined == nil {
		err = fmt.Errorf("node %d has not said where the other nodes are", to)
	}
	if err != nil {
		return Joined{}, err
	}
	return *changed.Joined, nil
}

// changeMembers has the active controller change the nodes of the cluster, and returns
// when this node has applied that. While nobody leads it waits, until ctx ends.
func (r *Router) changeMembers(ctx context.Context, change memberChange) (membersChanged, error) {
	for {
		changed := r.changeHere(ctx, change)
		if leader := r.quorum.Leader(); changed.NotLeader && leader != model.NoNode && leader != r.quorum.Node() {
			var err error
			if changed, err = r.changeThere(ctx, leader, change); err != nil {
				return changed, err
			}
		}
		if !changed.NotLeader {
			return changed, changed.err()
		}
		select {
		case <-time.After(routeAgainAfter):
		case <-ctx.Done():
			return changed, fmt.Errorf("change the nodes of the cluster: %w", ctx.Err())
		}
	}
}

func (r *Router) changeThere(ctx context.Context, leader model.NodeID, change memberChange) (membersChanged, error) {
	answer, err := r.network.RequestSince(ctx, model.Protocol2, leader, KindMembers, encode(change))
	earlier, old := errors.AsType[*peer.ProtocolError](err)
	switch {
	case old:
		refused := wire.Errorf(kerr.UnsupportedVersion, "change the nodes of the cluster: %s", earlier)
		if change.Join != nil { // it is let in when the others are of this release too
			refused.Code = wire.CodeOf(kerr.NotController)
		}
		return membersChanged{Refused: refused}, nil
	case errors.Is(err, peer.ErrNotSent):
		return membersChanged{NotLeader: true}, nil
	case err != nil:
		return membersChanged{}, fmt.Errorf("change the nodes of the cluster: %w: %w", ErrOutcomeUnknown, err)
	}
	changed, err := decode[membersChanged](answer)
	removed := change.Unregister != nil && *change.Unregister == r.quorum.Node() // it hears of nothing any more
	if err == nil && changed.Index > 0 && !removed {
		_, err = r.quorum.Await(ctx, func(i *meta.Image) bool { return i.Index >= changed.Index })
	}
	return changed, err
}

// ChangeMembers is the other side of changeThere.
func (r *Router) ChangeMembers(ctx context.Context, body []byte) ([]byte, error) {
	change, err := decode[memberChange](body)
	if err != nil {
		return nil, err
	}
	return encode(r.changeHere(ctx, change)), nil
}

// changeHere has this node change the nodes of the cluster, if it is the controller.
func (r *Router) changeHere(ctx context.Context, change memberChange) membersChanged {
	var joined *Joined
	var err error
	switch {
	case change.Join != nil:
		joined, err = r.roster.Join(ctx, *change.Join)
	case change.AddVoter != nil:
		err = r.roster.AddVoter(ctx, change.AddVoter.Node, change.AddVoter.Directory)
	case change.RemoveVoter != nil:
		err = r.roster.RemoveVoter(ctx, change.RemoveVoter.Node, change.RemoveVoter.Directory)
	case change.Unregister != nil:
		err = r.roster.Unregister(ctx, *change.Unregister)
	default:
		err = wire.Errorf(kerr.UnsupportedVersion, "the active controller's build does not know this change of the cluster's nodes")
	}
	if _, elsewhere := errors.AsType[*quorum.NotLeaderError](err); elsewhere {
		return membersChanged{NotLeader: true}
	}
	if refused, ok := errors.AsType[*wire.Error](err); ok {
		return membersChanged{Refused: refused}
	}
	if err != nil {
		return membersChanged{Failure: err.Error()}
	}
	return membersChanged{Index: r.quorum.Applied().Index, Joined: joined}
}
