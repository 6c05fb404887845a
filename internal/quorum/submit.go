package quorum

import (
	"context"

	"go.etcd.io/raft/v3"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
)

// decideMax bounds how many commands go into one entry, and so share one sync.
const decideMax = 256

// submission is a command on its way.
type submission struct {
	command controller.Command
	done    chan outcome // capacity 1
}

type outcome struct {
	result any
	err    error
}

// answer is a submission with its result, given once the change is published.
type answer struct {
	to     *submission
	result any
}

// proposal is an entry that has been handed to Raft.
type proposal struct {
	index   uint64
	answers []answer
}

func (p *proposal) fail(err error) {
	for _, a := range p.answers {
		a.to.done <- outcome{err: err}
	}
}

// Submit has the leader carry out a command. It returns after the change is
// committed, and published on this node. While nobody leads it waits, as long
// as ctx lets it.
func (q *Quorum) Submit(ctx context.Context, command controller.Command) (any, error) {
	s := &submission{command: command, done: make(chan outcome, 1)}
	select {
	case q.commands <- s:
	case <-q.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case o := <-s.done:
		return o.result, o.err
	case <-q.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take decides a command, and those that have queued behind it, as one entry.
func (q *Quorum) take(first *submission) error {
	if !q.leading {
		if q.state != raft.StateLeader && q.leader != raft.None {
			first.done <- outcome{err: &NotLeaderError{Leader: nodeID(q.leader)}}
			return nil
		}
		q.waiting = append(q.waiting, first)
		return nil
	}
	batch := decisions{image: q.working, env: q.env()}
	batch.decide(first, q.nextIndex())
	for range decideMax {
		select {
		case s := <-q.commands:
			batch.decide(s, q.nextIndex())
			continue
		default:
		}
		break
	}
	for _, name := range batch.applying {
		q.logger.Info("Applying command", "type", name)
	}
	return q.conclude(batch)
}

func (q *Quorum) env() controller.Env {
	if q.options.Env == nil {
		return controller.Env{}
	}
	return q.options.Env()
}

// nextIndex is where the next entry will go, unless the leadership is lost.
func (q *Quorum) nextIndex() uint64 {
	if n := len(q.inFlight); n > 0 {
		return q.inFlight[n-1].index + 1
	}
	return q.image.Index + 1
}

// decisions are commands decided one after the other, each on the image that the
// ones before it lead to.
type decisions struct {
	image    *meta.Image
	env      controller.Env
	records  []meta.Record
	answers  []answer
	applying []string
}

func (d *decisions) decide(s *submission, index uint64) {
	d.env.Index = index
	records, result, err := s.command.Decide(d.image, d.env)
	if err == nil && len(records) > 0 {
		var next *meta.Image
		if next, err = d.image.After(records, index); err == nil {
			d.image = next
			d.records = append(d.records, records...)
			d.applying = append(d.applying, s.command.Name())
		}
	}
	if err != nil {
		s.done <- outcome{err: err}
		return
	}
	d.answers = append(d.answers, answer{to: s, result: result})
}

// conclude proposes what was decided. An answer without a change waits for the
// changes that it was decided on.
func (q *Quorum) conclude(d decisions) error {
	switch n := len(q.inFlight); {
	case len(d.answers) == 0:
		return nil
	case len(d.records) > 0:
		return q.propose(d.records, d.answers)
	case n > 0:
		q.inFlight[n-1].answers = append(q.inFlight[n-1].answers, d.answers...)
	default:
		q.publish.add(publication{image: q.image, answers: d.answers})
	}
	return nil
}

func (q *Quorum) refuseWaiting(err error) {
	for _, s := range q.waiting {
		s.done <- outcome{err: err}
	}
	q.waiting = nil
}

// refuseAll answers everything that will never be decided.
func (q *Quorum) refuseAll(err error) {
	q.refuseWaiting(err)
	for _, p := range q.inFlight {
		p.fail(err)
	}
	q.inFlight = nil
}
