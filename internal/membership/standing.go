package membership

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
)

// standingMax is how long an answer about a node's standing is waited for.
const standingMax = 500 * time.Millisecond

// askStanding asks another node whether this one is still of the cluster, where no
// heartbeat has been answered for a session, and returns ErrRemoved or ErrReplaced where it
// is not. Nobody tells a node that was forgotten while it was away: the quorum sends it
// nothing any more, so that it may take for the leader who led when it left, or know of
// none. It asks one node at a time, whichever, and not more often than it sends
// heartbeats otherwise.
//
// Who answers need not be the controller, and may be behind: what it says of a run that is
// gone stays true (controller.StandingOf). It says nothing of one whose registration it has
// not applied; and a node that joins has not begun to send heartbeats. No lease comes by this
// way, nor the leader's name: who is registered hears of the leader by the quorum, and one
// that the controller let serve without that would lead partitions that it does not know.
func (m *Member) askStanding(ctx context.Context) error {
	m.mu.Lock()
	epoch, silence := m.mu.epoch, time.Since(m.mu.answered)
	m.mu.Unlock()
	if silence <= m.o.Session || !m.asking.CompareAndSwap(false, true) {
		return nil
	}
	defer m.asking.Store(false)
	others := slices.Collect(m.o.Others())
	if len(others) == 0 {
		return nil
	}
	other := others[rand.N(len(others))]
	if err := m.standingAt(ctx, other, epoch); err != nil {
		return err
	}
	select {
	case <-time.After(m.o.Heartbeat):
	case <-ctx.Done():
	}
	return nil
}

func (m *Member) standingAt(ctx context.Context, other model.NodeID, epoch model.BrokerEpoch) error {
	ctx, cancel := context.WithTimeout(ctx, standingMax)
	defer cancel()
	body, err := m.o.Network.RequestSince(ctx, model.Protocol2, other, KindStanding, encode(epoch))
	var s standing
	if err == nil {
		s, err = decode[standing](body)
	}
	switch {
	case err != nil:
		m.o.Logger.Debug("whether this node is of the cluster was not answered", "asked", other, "error", err)
		return nil
	case s.Removed:
		err = ErrRemoved
	case s.Replaced:
		err = ErrReplaced
	default:
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.lease.Revoke()
	return err
}

// Standing is the other side of askStanding, for a run of a node.
func (r *Router) Standing(of model.NodeID, body []byte) ([]byte, error) {
	epoch, err := decode[model.BrokerEpoch](body)
	if err != nil {
		return nil, err
	}
	s := controller.StandingOf(r.quorum.Applied(), of, epoch)
	return encode(standing{Replaced: s == controller.Replaced, Removed: s == controller.Removed}), nil
}
