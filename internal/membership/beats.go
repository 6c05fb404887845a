package membership

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// beatsUnderWayMax bounds the heartbeats that one controller has not answered yet.
const beatsUnderWayMax = 4

// beat sends heartbeats: the next when the last is answered, unless that was so soon
// that it can wait, and where there is a hurry. The controller answers all brokers
// together, with its proof of leadership, so that an idle node wakes up once for the
// answer and the next. Those to a controller that has fallen silent hold up none to
// its successor.
func (m *Member) beat(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	underWay, asked := new(atomic.Int32), model.NoNode
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-m.hurry:
		case wait := <-m.rest:
			if wait > 0 {
				next.Reset(wait)
				continue
			}
		case <-ctx.Done():
			return g.Wait()
		}
		if leader := m.o.Quorum.Leader(); leader != asked {
			underWay, asked = new(atomic.Int32), leader
		}
		if count := underWay; count.Load() < beatsUnderWayMax {
			count.Add(1)
			g.Go(func() error {
				wait, err := m.heartbeat(ctx)
				if count.Add(-1) == 0 {
					m.restFor(wait)
				}
				if err != nil {
					return err
				}
				return m.askStanding(ctx) // which holds up no heartbeat
			})
		}
	}
}

func (m *Member) beatNow() {
	select {
	case m.hurry <- struct{}{}:
	default:
	}
}

// restFor has the next heartbeat wait, or not; of two such words the first counts.
func (m *Member) restFor(wait time.Duration) {
	select {
	case m.rest <- wait:
	default:
	}
}

// LeaderChanged tells of another controller: the sooner it has heard of this broker, the
// sooner it can renew its lease.
func (m *Member) LeaderChanged() {
	if m.o.Quorum.Leader() != model.NoNode {
		m.beatNow()
	}
}

// heartbeat tells the controller that this broker lives, and takes the lease that is
// the answer, from when it was sent. The next one may wait for the time it returns.
func (m *Member) heartbeat(ctx context.Context) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.o.Session/2)
	defer cancel()
	m.mu.Lock()
	beat := controller.Heartbeat{
		Node: m.o.Node, BrokerEpoch: m.mu.epoch,
		Applied: m.o.Quorum.Image().Index, Leave: m.mu.leaving, First: !m.mu.lease.Held(time.Now()),
		Supports: meta.Supported,
	}
	m.mu.Unlock()
	sent := time.Now()
	answer, err := m.ask(ctx, beat)
	if err != nil {
		m.o.Logger.Debug("heartbeat was not answered", "error", err)
		return m.o.Heartbeat / 4, nil
	}
	if wait = m.o.Heartbeat - time.Since(sent); wait <= m.o.Heartbeat/2 {
		wait = 0
	}
	return wait, m.answered(sent, answer)
}

func (m *Member) ask(ctx context.Context, beat controller.Heartbeat) (controller.HeartbeatAnswer, error) {
	leader := m.o.Quorum.Leader()
	switch leader {
	case model.NoNode:
		return controller.HeartbeatAnswer{}, ErrNotController
	case beat.Node:
		return m.o.Office.Heartbeat(ctx, beat)
	}
	body, err := m.o.Network.Request(ctx, leader, KindHeartbeat, encode(beat))
	if err != nil {
		return controller.HeartbeatAnswer{}, err
	}
	return decode[controller.HeartbeatAnswer](body)
}

func (m *Member) answered(sent time.Time, answer controller.HeartbeatAnswer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	older := sent.Before(m.mu.answered) // overtaken by another's answer
	if !older {
		m.mu.answered = sent
	}
	switch {
	case answer.Removed:
		m.mu.lease.Revoke()
		return ErrRemoved
	case !answer.Known:
		m.mu.lease.Revoke()
		return ErrReplaced
	case answer.Fenced && older:
	case answer.Fenced:
		m.mu.lease.Revoke()
	default:
		m.mu.lease.Renew(sent)
		close(m.mu.renewed)
		m.mu.renewed = make(chan struct{})
		if !m.mu.unfenced {
			m.mu.unfenced = true
			close(m.unfenced)
		}
	}
	if m.mu.leaving && answer.MayStop && !m.mu.mayStop {
		m.mu.mayStop = true
		close(m.mayStop)
	}
	return nil
}

// HeardBeat is the controller's side of a heartbeat, from a node.
func (m *Member) HeardBeat(ctx context.Context, body []byte) ([]byte, error) {
	beat, err := decode[controller.Heartbeat](body)
	if err != nil {
		return nil, err
	}
	answer, err := m.o.Office.Heartbeat(ctx, beat)
	if err != nil {
		return nil, err
	}
	return encode(answer), nil
}
