package quorum

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// stepsQueuedMax bounds the messages that wait for the loop.
const stepsQueuedMax = 256

// savedSnapshot is the end of writing a snapshot.
type savedSnapshot struct {
	*Snapshot
	err error
}

// loop drives the machine until ctx ends.
func (q *Quorum) loop(ctx context.Context, g *errgroup.Group) (err error) {
	defer q.clock.stop()
	defer func() {
		// Raft panics where its storage fails it.
		if p := recover(); p != nil {
			if q.store.err == nil {
				panic(p)
			}
			err = q.store.err
		}
	}()
	q.logger.Info("Raft cluster initialized", "voters", q.machine.Members().Voters, "node", q.o.Node,
		"index", q.store.lastIndex(), "snapshot", q.store.newest.index)
	if q.machine.CaughtUp() {
		q.offer(nil)
	}
	for first := true; ctx.Err() == nil; first = false {
		if err := q.settle(ctx, g); err != nil {
			if ctx.Err() != nil {
				return nil // the sync was given up, it has not failed
			}
			return err
		}
		if first {
			close(q.recovered)
		}
		// Changes of members that the log knows of are applied by now.
		if first && q.machine.Alone() {
			if err := q.machine.Campaign(); err != nil {
				return fmt.Errorf("elect the only voter: %w", err)
			}
			continue
		}
		if q.decide() {
			if err := q.poll(); err != nil {
				return err
			}
			continue
		}
		if err := q.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for the next event and gives it to the machine. With one voter there
// are no others than requests and the end.
func (q *Quorum) wait(ctx context.Context) error {
	var requests chan *request
	if q.machine.CanDecide() || q.machine.Refuses() {
		requests = q.requests
	}
	select {
	case <-ctx.Done():
	case r := <-requests:
		q.waiting = append(q.waiting, r)
	case step := <-q.steps:
		step(q.machine)
		q.drainSteps()
	case <-q.clock.due(q.machine):
		q.drainSteps() // what has come before the time was over counts
		q.tick()
	case s := <-q.saved:
		return q.finishSnapshot(s)
	}
	return nil
}

// poll is wait without waiting, for while there are always requests.
func (q *Quorum) poll() error {
	q.drainSteps()
	select {
	case s := <-q.saved:
		return q.finishSnapshot(s)
	case <-q.clock.due(q.machine):
		q.tick()
	default:
	}
	return nil
}

// drainSteps takes what else has come, so that one sync serves it all.
func (q *Quorum) drainSteps() {
	for range stepsQueuedMax {
		select {
		case step := <-q.steps:
			step(q.machine)
		default:
			return
		}
	}
}

// settle carries out what raft wants done, until it wants nothing.
func (q *Quorum) settle(ctx context.Context, g *errgroup.Group) error {
	for {
		rd, err := q.machine.Ready()
		if err != nil {
			return err
		}
		if rd == nil {
			break
		}
		for i := range rd.Steps {
			if err := rd.Steps[i].Perform(ctx, q.store, q.send); err != nil {
				return err
			}
		}
		replies, err := q.machine.Advance(rd)
		if err != nil {
			return err
		}
		if q.machine.CaughtUp() {
			q.offer(replies)
		} else {
			give(replies) // refusals: nothing was carried out
		}
	}
	q.applied.Store(q.machine.Image())
	q.maybeSnapshot(g)
	q.noteLead()
	q.soon.note(q.machine.Leads() && !q.machine.Alone(), &NotLeaderError{Leader: q.machine.Leader()})
	q.noteStatus()
	return nil
}

// noteLead tells of leadership once the image has all that was committed before it.
func (q *Quorum) noteLead() {
	m := q.machine
	leading := uint64(0)
	if term := m.Term(); m.Leads() && (q.leading == term || m.CanDecide() && m.CaughtUp()) {
		leading = term
	}
	if leading != q.leading {
		q.leading = leading
		q.follower.offerLead(leading, m.Image())
	}
}

// offer hands the image on, with the replies that it makes true.
func (q *Quorum) offer(replies []Reply) {
	image := q.machine.Image()
	q.applied.Store(image)
	followed, published := split(replies)
	q.follower.offer(image, followed)
	q.publisher.offer(image, published)
}

func (q *Quorum) send(messages []*Message) {
	if q.o.Transport != nil {
		q.o.Transport.Send(messages)
	}
}

// decide has the machine decide what waits, or refuses it where another node
// leads. It reports whether there may be a Ready now.
func (q *Quorum) decide() bool {
	switch {
	case q.machine.Refuses():
		q.takeRequests()
		for _, r := range q.waiting {
			r.done <- Reply{Err: &NotLeaderError{Leader: q.machine.Leader()}}
		}
		q.waiting = nil
		return false
	case !q.machine.CanDecide():
		return false
	}
	q.takeRequests()
	requests := q.waiting
	if q.machine.Image().ClusterID == "" {
		requests = append([]*request{q.initCluster()}, requests...)
	}
	if len(requests) == 0 {
		return false
	}
	if change := requests[0].change; change != nil {
		q.waiting = requests[1:]
		if err := q.machine.ChangeMembers(requests[0], *change); err != nil {
			requests[0].done <- Reply{Err: err}
		}
		return true
	}
	q.decideCommands(requests)
	return true
}

// decideCommands decides the commands before the next change of members.
func (q *Quorum) decideCommands(requests []*request) {
	var proposals []Proposal
	for len(requests) > 0 && requests[0].change == nil {
		if r := requests[0]; r.ctx.Err() == nil { // else nobody waits
			proposals = append(proposals, Proposal{Token: r, Command: r.command, Term: r.term})
		}
		requests = requests[1:]
	}
	env := q.o.Env()
	if env.Now.IsZero() {
		env.Now = time.Now()
	}
	if env.NewID == nil {
		env.NewID = model.NewUUID
	}
	ready, left := q.machine.Decide(proposals, env)
	waiting := make([]*request, 0, len(left)+len(requests))
	for _, p := range left {
		waiting = append(waiting, p.Token.(*request))
	}
	q.waiting = append(waiting, requests...)
	if len(ready) > 0 {
		q.offer(ready)
	}
}

// takeRequests takes what is queued without waiting.
func (q *Quorum) takeRequests() {
	for len(q.waiting) < requestsQueuedMax {
		select {
		case r := <-q.requests:
			q.waiting = append(q.waiting, r)
		default:
			return
		}
	}
}

// initCluster is the first leader's own command.
func (q *Quorum) initCluster() *request {
	id := q.o.ClusterID
	if id == "" {
		id = model.NewUUID().String()
	}
	r := newRequest(context.Background())
	r.command = controller.InitCluster{ID: id}
	return r
}

// maybeSnapshot begins to write a snapshot where the log has grown enough.
func (q *Quorum) maybeSnapshot(g *errgroup.Group) {
	if q.saving || !q.machine.WantsSnapshot(q.snapshot) {
		return
	}
	q.saving = true
	s, image := q.machine.TakeSnapshot()
	g.Go(func() error {
		s.Data = meta.EncodeSnapshot(image)
		q.saved <- savedSnapshot{s, q.store.SaveSnapshot(s)}
		return nil
	})
}

func (q *Quorum) finishSnapshot(s savedSnapshot) error {
	q.saving = false
	if s.err != nil {
		return s.err
	}
	index := s.GetMetadata().GetIndex()
	if err := q.store.Compact(s.Snapshot, q.machine.Keep(q.snapshot)); err != nil {
		return fmt.Errorf("compact the metadata log to %d: %w", index, err)
	}
	q.logger.Info("Metadata snapshot written", "index", index, "term", s.GetMetadata().GetTerm(), "bytes", len(s.GetData()))
	return nil
}
