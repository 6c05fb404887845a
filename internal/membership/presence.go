package membership

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
)

// presenceMax is how long a node's word that it is there is waited for. On a network that
// works it takes a fraction of a millisecond; who cannot give it may be paused, which its
// session is for.
const presenceMax = 20 * time.Millisecond

// Presence asks nodes whether they are there. A killed process's connections end one
// after another: a client's may have ended, and the client asked another node who leads
// now, before that node's own has. What is written to the dead process is refused at
// once, so that the question finds out.
type Presence struct {
	network Network
	missed  func(model.NodeID)

	mu struct {
		sync.Mutex
		asked map[model.NodeID]*presenceRound // under way
	}
}

// presenceRound is a question that is under way, and the one after it: an answer on its way may be
// older than what its asker has seen.
type presenceRound struct {
	next chan struct{} // closed when the next has its answer; nil: nobody waits for one
}

// NewPresence returns a Presence that tells missed of nodes that cannot be reached.
func NewPresence(n Network, missed func(model.NodeID)) *Presence {
	p := &Presence{network: n, missed: missed}
	p.mu.asked = make(map[model.NodeID]*presenceRound)
	return p
}

// Check returns when a node that was asked after the call has answered, or was missed,
// or has taken too long. Many callers share a question.
func (p *Presence) Check(node model.NodeID) {
	<-p.join(node)
}

func (p *Presence) join(node model.NodeID) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.mu.asked[node]
	if r == nil {
		r = &presenceRound{}
		p.mu.asked[node] = r
		first := make(chan struct{})
		go p.ask(node, r, first) // ends within presenceMax where nobody joins
		return first
	}
	if r.next == nil {
		r.next = make(chan struct{})
	}
	return r.next
}

func (p *Presence) ask(node model.NodeID, r *presenceRound, answered chan struct{}) {
	for answered != nil {
		p.askOnce(node)
		p.mu.Lock()
		close(answered)
		answered, r.next = r.next, nil
		if answered == nil {
			delete(p.mu.asked, node)
		}
		p.mu.Unlock()
	}
}

func (p *Presence) askOnce(node model.NodeID) {
	ctx, cancel := context.WithTimeout(context.Background(), presenceMax)
	defer cancel()
	_, err := p.network.Request(ctx, node, KindPresence, nil)
	_, remote := errors.AsType[*peer.RemoteError](err) // of a build that does not know the question
	if err != nil && !remote && ctx.Err() == nil {
		p.missed(node)
	}
}
