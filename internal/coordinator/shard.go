package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// recordOverheadMax is what a record without headers takes besides its key and
// value: its attributes and six varints.
const recordOverheadMax = 32

// dividedBytesMax is how large the batches of a divisible outcome get: far below
// what any setting of max.message.bytes that works takes.
const dividedBytesMax = 64 << 10

// shard is one partition of the internal topic under one leader epoch.
type shard[M Machine] struct {
	partition model.Partition
	epoch     model.LeaderEpoch
	logger    *slog.Logger
	newM      func() M
	open      func() (Log, error)
	limits    record.Limits

	// closed is closed when the node has resigned: whoever waits stops waiting.
	closed    chan struct{}
	closeOnce sync.Once
	// wake tells the shard's goroutine that something is for it to do: a
	// deadline nearer than the one it sleeps towards, queued work, a failure.
	wake chan struct{}

	mu struct {
		sync.Mutex
		state   State
		machine M   // valid while Active
		log     Log // valid while Active
		// written is the end of what the shard has appended or loaded.
		// Invariant: machine's state is the records below written, replayed.
		written model.Offset
		// armed is what the goroutine sleeps towards; zero: for ever.
		armed time.Time
		// life is closed when machine is given up: so are those parked in it.
		life chan struct{}
	}

	// queue holds events that no request waits for. They survive a reload. Its
	// lock is its own, so that queueing does not wait for an append.
	queue struct {
		sync.Mutex
		events []func(M, time.Time) Outcome
	}
}

// becomeLocked moves the shard along an arrow of State's diagram.
func (s *shard[M]) becomeLocked(next State) {
	prev := s.mu.state
	if !prev.may(next) {
		panic(fmt.Sprintf("coordinator: partition %d: no way from %s to %s", s.partition, prev, next))
	}
	s.mu.state = next
	if prev == Active {
		close(s.mu.life) // the machine is gone, and with it all that it owed
	}
	// Not Info: a node leads fifty of them. What goes wrong is a Warn of its own.
	s.logger.Debug("coordinator state", "partition", s.partition, "epoch", s.epoch, "from", prev.String(), "to", next.String())
}

// do runs an event and waits for the answer to w.
func (s *shard[M]) do(ctx context.Context, w *Waiter, event func(M, time.Time) Outcome) any {
	life, log, err := s.run(event)
	if err != nil {
		return w.fail(err)
	}
	var answer released
	select {
	case answer = <-w.done:
	case <-life:
		// The event that ended this life may have answered w before.
		select {
		case answer = <-w.done:
		default:
			return w.fail(s.refusal())
		}
	case <-s.closed:
		return w.fail(ErrNotLeader)
	case <-ctx.Done():
		return w.fail(ErrUnavailable)
	}
	if err := log.WaitCommitted(ctx, answer.after); err != nil {
		return w.fail(asRefusal(err))
	}
	if s.resigned() {
		// What was committed at that offset may be another leader's record.
		return w.fail(ErrNotLeader)
	}
	return answer.response
}

func (s *shard[M]) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mu.state.refusal(); err != nil {
		return err
	}
	return ErrUnavailable // reloaded meanwhile: the request is lost, ask again
}

// asRefusal keeps what clients branch on, and makes the rest retriable.
func asRefusal(err error) error {
	for _, known := range []error{ErrNotLeader, ErrLoading, ErrTooLarge} {
		if errors.Is(err, known) {
			return known
		}
	}
	return ErrUnavailable
}

// run decides one event, and carries out what it leads to.
func (s *shard[M]) run(event func(M, time.Time) Outcome) (life <-chan struct{}, log Log, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mu.state.refusal(); err != nil {
		return nil, nil, err
	}
	life, log = s.mu.life, s.mu.log
	now := time.Now()
	s.applyLocked(event(s.mu.machine, now), now)
	return life, log, nil
}

// applyLocked carries out an outcome: append, replay, release.
func (s *shard[M]) applyLocked(o Outcome, now time.Time) {
	err := s.appendLocked(o, now)
	if err != nil {
		refusal := asRefusal(err)
		if o.Failed != nil {
			o = o.Failed(refusal)
			if again := s.appendLocked(o, now); again != nil {
				// What took the event back could not be written either: what the
				// machine believes and what the log says have parted.
				s.releaseFailedLocked(o.Answers, asRefusal(again))
				s.failLocked(again)
				return
			}
			s.releaseLocked(o.Answers)
		} else {
			s.releaseFailedLocked(o.Answers, refusal)
		}
		if !cleanly(err) {
			s.failLocked(err)
			return
		}
		s.logger.Warn("coordinator could not write", "partition", s.partition, "epoch", s.epoch, "error", err)
	} else {
		s.releaseLocked(o.Answers)
	}
	s.armLocked()
}

// cleanly tells whether an append that failed is known to have written nothing.
func cleanly(err error) bool {
	return errors.Is(err, ErrNotLeader) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnavailable)
}

// appendLocked appends records and replays them.
func (s *shard[M]) appendLocked(o Outcome, now time.Time) error {
	rest := o.Records
	for len(rest) > 0 {
		batch, count := s.build(rest, o.Divisible, now)
		end, err := s.mu.log.Append(batch, model.TimestampOf(now))
		if err != nil {
			return err
		}
		s.mu.written = end
		for _, r := range rest[:count] {
			if err := s.mu.machine.Replay(r); err != nil {
				panic(fmt.Sprintf("coordinator: partition %d: own record does not replay: %v", s.partition, err))
			}
		}
		rest = rest[count:]
	}
	return nil
}

// build makes a batch of all the records or, where they may be divided, of as
// many as fit.
func (s *shard[M]) build(records []Record, divisible bool, now time.Time) (record.Batch, int) {
	timestamp := model.TimestampOf(now)
	builder := record.NewBuilder(record.BuildOptions{LeaderEpoch: s.epoch})
	for i, r := range records {
		if size := builder.Size() + len(r.Key) + len(r.Value) + recordOverheadMax; divisible && i > 0 && size > dividedBytesMax {
			return builder.Build(), i
		}
		builder.Append(timestamp, r.Key, r.Value)
	}
	return builder.Build(), len(records)
}

func (s *shard[M]) releaseLocked(answers []Answer) {
	for _, a := range answers {
		a.Waiter.release(a.Response, s.mu.written)
	}
}

func (s *shard[M]) releaseFailedLocked(answers []Answer, err error) {
	for _, a := range answers {
		a.Waiter.release(a.Waiter.fail(err), 0)
	}
}

// armLocked wakes the goroutine where the machine's next deadline is nearer
// than the one it sleeps towards. A deadline that moved away costs one idle
// wake-up, and a heartbeat none.
func (s *shard[M]) armLocked() {
	at, ok := s.mu.machine.Deadline()
	if ok && (s.mu.armed.IsZero() || at.Before(s.mu.armed)) {
		s.mu.armed = at
		s.wakeUp()
	}
}

func (s *shard[M]) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shard[M]) failLocked(err error) {
	s.logger.Warn("coordinator loads its log again", "partition", s.partition, "epoch", s.epoch, "error", err)
	s.becomeLocked(Failed)
	s.wakeUp()
}

// enqueue has an event run that no request waits for; where the shard is not
// active, once it is.
func (s *shard[M]) enqueue(event func(M, time.Time) Outcome) {
	s.queue.Lock()
	s.queue.events = append(s.queue.events, event)
	s.queue.Unlock()
	s.wakeUp()
}

// dequeue takes the first queued event; nil where there is none.
func (s *shard[M]) dequeue() func(M, time.Time) Outcome {
	s.queue.Lock()
	defer s.queue.Unlock()
	if len(s.queue.events) == 0 {
		return nil
	}
	event := s.queue.events[0]
	s.queue.events = s.queue.events[1:]
	return event
}

// resign ends the shard's life. It does not wait for an append under way.
func (s *shard[M]) resign() { s.closeOnce.Do(func() { close(s.closed) }) }
