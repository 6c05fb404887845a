package coordinator

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Record is a record of the internal topic. A nil Value is a tombstone.
type Record struct {
	Key   []byte
	Value []byte
}

// Machine is the state machine of one shard. It is pure: no clock, goroutine or
// lock; the shard calls one method at a time.
type Machine interface {
	// Replay applies a record: one that the log holds, while loading; then each
	// that an Outcome asked for, once it is in the log. An error says what is
	// wrong with the record, and that it changed nothing.
	Replay(Record) error
	// Loaded is called once, after the last record of the log was replayed.
	Loaded(now time.Time) Outcome
	// Tick lets the first thing that is due happen. Deadline then tells of the
	// next, which may be due as well.
	Tick(now time.Time) Outcome
	// Deadline is when Tick is wanted next; false: not before another event.
	Deadline() (time.Time, bool)
}

// Outcome is what an event leads to.
type Outcome struct {
	// Records are appended as one batch, all or none, and then replayed.
	Records []Record
	// Divisible says that Records may take several batches, of which the later
	// ones may not come to be: every beginning of them leaves a state that is
	// well.
	Divisible bool
	// Answers are released once everything written so far is committed.
	Answers []Answer
	// Failed, where there is one, is called in place of Answers when Records
	// could not be appended: it takes back what the event has changed
	// already. Without it each of Answers fails with the code. Its own outcome
	// has no Failed.
	Failed func(error) Outcome
}

// Answer is the response for a Waiter.
type Answer struct {
	Waiter   *Waiter
	Response any
}

// Join adds what another event leads to. At most one of the two has a Failed.
func (o Outcome) Join(other Outcome) Outcome {
	o.Divisible = o.Divisible && other.Divisible
	o.Records = append(o.Records, other.Records...)
	o.Answers = append(o.Answers, other.Answers...)
	if o.Failed == nil {
		o.Failed = other.Failed
	}
	return o
}

// Waiter is a request that waits for its response: a Machine keeps it until it
// can be answered, and answers it at most once.
type Waiter struct {
	// fail makes the response for a request that cannot be answered.
	fail func(error) any
	done chan released
}

type released struct {
	response any
	// after is the end of what must be committed before response is sent.
	after model.Offset
}

// NewWaiter makes a waiter; fail makes the response for a request that cannot
// be answered.
func NewWaiter(fail func(error) any) *Waiter {
	// One place: the shard must not wait for a client that has gone.
	return &Waiter{fail: fail, done: make(chan released, 1)}
}

// Fail is the response for a request that cannot be answered.
func (w *Waiter) Fail(err error) any { return w.fail(err) }

func (w *Waiter) release(response any, after model.Offset) {
	select {
	case w.done <- released{response: response, after: after}:
	default:
		panic("coordinator: a waiter was answered twice")
	}
}
