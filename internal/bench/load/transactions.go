package load

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// transactor is what is asked of a kgo.Client that has a transactional id.
type transactor interface {
	producer
	BeginTransaction() error
	Flush(context.Context) error
	EndTransaction(context.Context, kgo.TransactionEndTry) error
}

// transactions writes one transaction after the other. A record counts as acknowledged
// when its transaction has been committed.
type transactions struct {
	writer
	in    transactor
	slots []*slot
}

func newTransactions(w writer, in transactor, records int) *transactions {
	t := &transactions{writer: w, in: in}
	for range records {
		t.slots = append(t.slots, &slot{Slot: w.maker.NewSlot()})
	}
	return t
}

// run writes until the window has ended, and ends the last transaction.
func (t *transactions) run(ctx context.Context) {
	timer := newTimer()
	for ctx.Err() == nil {
		sent, err := t.transaction(ctx, timer)
		if len(sent) == 0 {
			if err == nil {
				return
			}
			// It could not be begun: the next record that is due stands for those that it
			// would have had.
			due, ok := t.turns.take(timer)
			if !ok {
				return
			}
			t.recorder.Failed(due, t.turns.now(), kind(err))
		}
		now := t.turns.now()
		for _, s := range sent {
			if err != nil {
				t.recorder.Failed(s.due, now, kind(err))
				continue
			}
			t.page.Acknowledge(s.sequence)
			t.recorder.Done(s.due, now, t.maker.Bytes())
		}
		if err != nil {
			t.turns.pause(ctx)
		}
	}
}

// transaction writes and ends one, and returns what belonged to it. Nothing and no error
// is the end of the window.
func (t *transactions) transaction(ctx context.Context, timer *time.Timer) (sent []*slot, err error) {
	if err := t.in.BeginTransaction(); err != nil {
		return nil, err
	}
	var failed error // by the client's goroutine, until Flush returns
	done := func(_ *kgo.Record, err error) {
		if failed == nil {
			failed = err
		}
	}
	for _, s := range t.slots {
		due, ok := t.turns.take(timer)
		if !ok {
			break
		}
		s.due, s.sequence = due, t.page.Next()
		t.maker.Make(s.Slot, s.sequence, int64(due))
		s.record = kgo.Record{Key: s.Key, Value: s.Value}
		t.to.Produce(ctx, &s.record, done)
		sent = append(sent, s)
	}
	if err := t.in.Flush(ctx); err != nil {
		return sent, err
	}
	end := kgo.TryCommit
	if failed != nil || len(sent) == 0 {
		end = kgo.TryAbort
	}
	return sent, errors.Join(failed, t.in.EndTransaction(ctx, end))
}
