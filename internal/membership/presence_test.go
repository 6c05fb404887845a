package membership

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
)

// askedNode is a network on which one node answers a question after a while, or as err says.
type askedNode struct {
	Network
	after time.Duration
	err   error
	asked atomic.Int32
}

func (n *askedNode) Request(ctx context.Context, _ model.NodeID, _ peer.Kind, _ []byte) ([]byte, error) {
	n.asked.Add(1)
	select {
	case <-time.After(n.after):
		return nil, n.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", peer.ErrLost, ctx.Err())
	}
}

func TestPresenceMissesWhoseConnectionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		node   *askedNode
		missed bool
	}{
		"answers":             {&askedNode{}, false},
		"does not know how":   {&askedNode{err: &peer.RemoteError{Node: 2, Text: "what?"}}, false},
		"is lost":             {&askedNode{err: peer.ErrLost}, true},
		"cannot be sent to":   {&askedNode{err: peer.ErrNotSent}, true},
		"does not say a word": {&askedNode{after: time.Hour}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				missed := false
				p := NewPresence(c.node, func(model.NodeID) { missed = true })
				began := time.Now()
				p.Check(2)
				if missed != c.missed || time.Since(began) > presenceMax {
					t.Errorf("missed %v after %v", missed, time.Since(began))
				}
			})
		})
	}
}

func TestPresenceIsAskedOnceForManyWhoWaitAndNeverBeforeTheyDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const round = 10 * time.Millisecond
		n := &askedNode{after: round}
		p := NewPresence(n, func(model.NodeID) { t.Error("missed") })
		began := time.Now()
		go p.Check(2)
		time.Sleep(round / 2)
		for range 100 {
			go func() {
				p.Check(2)
				if took := time.Since(began); took != 2*round {
					t.Errorf("answered after %v, by a question asked before", took)
				}
			}()
		}
		time.Sleep(time.Minute)
		if asked := n.asked.Load(); asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		p.Check(2)
		if asked := n.asked.Load(); asked != 3 {
			t.Errorf("asked %d times by one more", asked)
		}
	})
}
