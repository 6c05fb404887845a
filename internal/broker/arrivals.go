package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/membership"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
)

// arrivals hands what other nodes send to whom it is for. It implements peer.Handler.
type arrivals struct{ b *Broker }

// Message implements peer.Handler.
func (a arrivals) Message(from model.NodeID, kind peer.Kind, body []byte) {
	var err error
	switch kind {
	case membership.KindRaft:
		err = peer.StepRaft(a.b.stopping, a.b.quorum, from, body)
	case membership.KindQuestion:
		err = a.b.member.Asked(from, body)
	case membership.KindStarted:
		err = a.b.maybeCampaign()
	case membership.KindAnswer:
		err = a.b.member.Answered(from, body)
	default:
		err = fmt.Errorf("kind %d is not known", kind)
	}
	if err != nil && a.b.stopping.Err() == nil {
		a.b.logger.Debug("a node's message is dropped", "from", from, "kind", kind, "error", err)
	}
}

// Request implements peer.Handler.
func (a arrivals) Request(ctx context.Context, from model.NodeID, kind peer.Kind, body []byte) ([]byte, error) {
	switch kind {
	case membership.KindRaft:
		return nil, peer.StepRaft(ctx, a.b.quorum, from, body)
	case membership.KindRaftPiece:
		return nil, a.b.nodes.raft.TakePiece(ctx, a.b.quorum, from, body)
	case membership.KindCommand:
		return a.b.router.Decide(ctx, body)
	case membership.KindQuorum:
		return a.b.router.DescribeQuorum(), nil
	case membership.KindIndex:
		return a.b.router.Index(), nil
	case membership.KindHeartbeat:
		return a.b.member.HeardBeat(ctx, body)
	case membership.KindPresence:
		return nil, nil
	case membership.KindStanding:
		return a.b.router.Standing(from, body)
	case membership.KindJoin:
		return a.b.router.LetIn(ctx, body)
	case membership.KindMembers:
		return a.b.router.ChangeMembers(ctx, body)
	case membership.KindLoads:
		return a.b.reported()
	case membership.KindPace:
		return nil, a.b.paced(body)
	}
	return nil, fmt.Errorf("requests of kind %d are not known", kind)
}

// Stream implements peer.Handler.
func (a arrivals) Stream(ctx context.Context, from peer.Hello, s *peer.Stream) {
	a.b.nodes.streams.Serve(ctx, from.Node, stream{s})
}

// Lost implements peer.Handler.
func (a arrivals) Lost(node model.NodeID) {
	a.b.suspects.add(node)
	a.b.nodes.raft.Lost(node)
	a.b.nodes.office.ConnectionLost(node)
	if a.b.quorum.Leader() == node {
		go a.b.replaceLeader(node) // ends within a second
	}
}

// Rejected implements peer.Handler. A node that has not been let in yet is the one
// that has to change something; one of a running cluster goes on without the other.
func (a arrivals) Rejected(node model.NodeID, r *peer.Rejection) {
	if r.Final && !a.b.registered.Load() && a.b.nodes.rejections.final(node, r.Address, a.b.addresses(node), a.b.config.Cluster.Peers) {
		a.b.fail(fmt.Errorf("node %d at %s does not accept this node: %w", node, r.Address, errors.New(r.Reason)))
	}
}
