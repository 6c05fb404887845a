package load

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/measure"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/verify"
)

// answerTime is how long a fake cluster takes over a record.
const answerTime = time.Millisecond

// fakeCluster acknowledges records in their order, each answerTime after it came, but none
// while it stalls. It runs within a synctest bubble.
type fakeCluster struct {
	queue chan sent
	stall [2]time.Time // from, to
	fail  func(n int) error
	n     int

	begun, ended int
	refuses      error // to begin a transaction
}

type sent struct {
	at     time.Time
	record *kgo.Record
	done   func(*kgo.Record, error)
}

func newFakeCluster(t *testing.T) *fakeCluster {
	c := &fakeCluster{queue: make(chan sent, 10_000), fail: func(int) error { return nil }}
	var serving sync.WaitGroup
	serving.Go(c.serve)
	t.Cleanup(func() {
		close(c.queue)
		serving.Wait()
	})
	return c
}

func (c *fakeCluster) serve() {
	for s := range c.queue {
		<-time.After(time.Until(s.at.Add(answerTime)))
		if now := time.Now(); now.After(c.stall[0]) && now.Before(c.stall[1]) {
			<-time.After(c.stall[1].Sub(now))
		}
		c.n++
		s.done(s.record, c.fail(c.n))
	}
}

func (c *fakeCluster) Produce(_ context.Context, r *kgo.Record, done func(*kgo.Record, error)) {
	c.queue <- sent{at: time.Now(), record: r, done: done}
}

func (c *fakeCluster) BeginTransaction() error {
	c.begun++
	return c.refuses
}

func (c *fakeCluster) Flush(ctx context.Context) error {
	flushed := make(chan struct{})
	c.Produce(ctx, nil, func(*kgo.Record, error) { close(flushed) })
	<-flushed
	return nil
}

func (c *fakeCluster) EndTransaction(context.Context, kgo.TransactionEndTry) error {
	c.ended++
	return nil
}

// scene is what a run's writers need, without clients.
type scene struct {
	*timekeeper
	turns     *turns
	collector *measure.Collector
	ledger    *verify.Ledger
}

// play runs writers against a cluster until a plan's end.
func play(t *testing.T, p Plan, writers int, c producer, start func(writer) interface{ run(context.Context) }) scene {
	k := newTimekeeper(&p)
	s := scene{timekeeper: k, turns: &turns{timekeeper: k, rate: p.Rate}, collector: measure.NewCollector(k.window), ledger: verify.NewLedger(writers)}
	var working sync.WaitGroup
	working.Go(func() { k.keep(t.Context(), nil) })
	for i := range writers {
		w := start(writer{
			turns: s.turns, to: c, recorder: s.collector.Recorder(), page: s.ledger.Page(i),
			maker: payload.NewMaker(payload.Shape{Size: 64, Pattern: payload.Random}, payload.Keys{}, 1, uint64(i)),
		})
		working.Go(func() { w.run(t.Context()) })
	}
	working.Wait()
	return s
}
