package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// counter is a machine that counts by key: what it holds is the sum of what the
// log has for the key.
type counter struct {
	sums   map[string]int
	parked []*Waiter
	at     time.Time
	ticks  int
	loaded int
}

func newCounter() *counter { return &counter{sums: make(map[string]int)} }

func (c *counter) Replay(r Record) error {
	n, err := strconv.Atoi(string(r.Value))
	if err != nil {
		return err
	}
	c.sums[string(r.Key)] += n
	return nil
}

func (c *counter) Loaded(time.Time) Outcome { c.loaded++; return Outcome{} }

func (c *counter) Tick(time.Time) Outcome {
	c.ticks++
	c.at = time.Time{}
	o := Outcome{Records: []Record{{Key: []byte("tick"), Value: []byte("1")}}}
	for _, w := range c.parked {
		o.Answers = append(o.Answers, Answer{Waiter: w, Response: "ticked"})
	}
	c.parked = nil
	return o
}

func (c *counter) Deadline() (time.Time, bool) { return c.at, !c.at.IsZero() }

func refused(err error) any { return err }

// world is a runtime over one memory log per partition.
type world struct {
	*Runtime[*counter]
	log *memoryLog
}

// start makes a runtime that runs until the end of a test's bubble.
func start(t *testing.T) *world {
	t.Helper()
	log := newMemoryLog()
	w := &world{log: log}
	w.Runtime = New(Options[*counter]{
		Logger: slog.New(slog.DiscardHandler),
		New:    func(model.Partition) *counter { return newCounter() },
		Open:   func(model.Partition, model.LeaderEpoch) (Log, error) { return log, nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return w
}

func (w *world) add(ctx context.Context, key string, n int) any {
	waiter := NewWaiter(refused)
	return w.Do(ctx, 0, waiter, func(c *counter, _ time.Time) Outcome {
		return Outcome{
			Records: []Record{{Key: []byte(key), Value: []byte(strconv.Itoa(n))}},
			Answers: []Answer{{Waiter: waiter, Response: c.sums[key] + n}},
		}
	})
}

func (w *world) get(ctx context.Context, key string) any {
	waiter := NewWaiter(refused)
	return w.Do(ctx, 0, waiter, func(c *counter, _ time.Time) Outcome {
		return Outcome{Answers: []Answer{{Waiter: waiter, Response: c.sums[key]}}}
	})
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if err, ok := want.(error); ok {
		if gotErr, ok := got.(error); !ok || !errors.Is(gotErr, err) {
			t.Fatalf("answer is %v, want error %v", got, err)
		}
		return
	}
	if got != want {
		t.Fatalf("answer is %v, want %v", got, want)
	}
}

func TestShardAnswersOnlyWhileElected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		want(t, w.get(ctx, "a"), ErrNotLeader)
		w.Elected(0, 1)
		want(t, w.get(ctx, "a"), ErrLoading)
		synctest.Wait()
		want(t, w.add(ctx, "a", 2), 2)
		want(t, w.add(ctx, "a", 3), 5)
		w.Resigned(0)
		want(t, w.get(ctx, "a"), ErrNotLeader)
		w.Elected(0, 2)
		synctest.Wait()
		want(t, w.get(ctx, "a"), 5) // as the log has it
	})
}

func TestAnswerWaitsForCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		w.log.set(func(l *memoryLog) { l.held = true })
		answers := make(chan any, 2)
		go func() { answers <- w.add(ctx, "a", 1) }()
		synctest.Wait()
		go func() { answers <- w.get(ctx, "a") }() // would tell what is not committed
		synctest.Wait()
		if len(answers) != 0 {
			t.Fatalf("answered %v before the commit", <-answers)
		}
		w.log.set(func(l *memoryLog) { l.held = false })
		want(t, <-answers, 1)
		want(t, <-answers, 1)
	})
}

func TestResigningEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		answers := make(chan any, 1)
		go func() {
			waiter := NewWaiter(refused)
			answers <- w.Do(ctx, 0, waiter, func(c *counter, _ time.Time) Outcome {
				c.parked = append(c.parked, waiter)
				return Outcome{}
			})
		}()
		synctest.Wait()
		w.Resigned(0)
		want(t, <-answers, ErrNotLeader)
	})
}

func TestDeposedLeaderDoesNotAnswerForAnotherEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		w.log.set(func(l *memoryLog) { l.held = true })
		answers := make(chan any, 1)
		go func() { answers <- w.add(ctx, "a", 1) }()
		synctest.Wait()
		w.Resigned(0)
		w.log.set(func(l *memoryLog) { l.held = false }) // some offset is committed; whose record?
		want(t, <-answers, ErrNotLeader)
	})
}

func TestCleanAppendFailureChangesNothing(t *testing.T) {
	for _, err := range []error{ErrUnavailable, ErrTooLarge, ErrNotLeader} {
		synctest.Test(t, func(t *testing.T) {
			w := start(t)
			ctx := t.Context()
			w.Elected(0, 1)
			synctest.Wait()
			w.log.set(func(l *memoryLog) { l.appendErr = fmt.Errorf("append: %w", err) })
			want(t, w.add(ctx, "a", 1), err)
			w.log.set(func(l *memoryLog) { l.appendErr = nil })
			want(t, w.add(ctx, "a", 1), 1)
		})
	}
}

func TestUnknownAppendFailureReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		want(t, w.add(ctx, "a", 7), 7)
		w.log.set(func(l *memoryLog) { l.appendErr = errDisk })
		want(t, w.add(ctx, "a", 1), ErrUnavailable)
		want(t, w.get(ctx, "a"), ErrUnavailable)
		w.log.set(func(l *memoryLog) { l.appendErr = nil })
		time.Sleep(reloadPauseMin) // the bubble's clock
		synctest.Wait()
		want(t, w.get(ctx, "a"), 7)
	})
}

func TestFailedTakesBackAndAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		w.log.set(func(l *memoryLog) { l.appendErr = ErrUnavailable })
		waiter := NewWaiter(refused)
		got := w.Do(ctx, 0, waiter, func(c *counter, _ time.Time) Outcome {
			c.sums["soft"] = 1
			return Outcome{
				Records: []Record{{Key: []byte("a"), Value: []byte("1")}},
				Answers: []Answer{{Waiter: waiter, Response: "done"}},
				Failed: func(error) Outcome {
					c.sums["soft"] = 0
					return Outcome{Answers: []Answer{{Waiter: waiter, Response: "undone"}}}
				},
			}
		})
		want(t, got, "undone")
		want(t, w.get(ctx, "soft"), 0)
	})
}

func TestLoadRetriesUntilTheLogCanBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		want(t, w.add(ctx, "a", 1), 1)
		w.Resigned(0)
		w.log.set(func(l *memoryLog) { l.readErr = errDisk })
		w.Elected(0, 2)
		synctest.Wait()
		want(t, w.get(ctx, "a"), ErrUnavailable)
		time.Sleep(10 * time.Second) // several pauses of the bubble's clock
		w.log.set(func(l *memoryLog) { l.readErr = nil })
		time.Sleep(2 * reloadPauseMax)
		synctest.Wait()
		want(t, w.get(ctx, "a"), 1)
	})
}

func TestDeadlineBecomesAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		began := time.Now()
		waiter := NewWaiter(refused)
		got := w.Do(ctx, 0, waiter, func(c *counter, now time.Time) Outcome {
			c.at = now.Add(time.Minute)
			c.parked = append(c.parked, waiter)
			return Outcome{}
		})
		want(t, got, "ticked")
		want(t, time.Since(began), time.Minute)
		want(t, w.get(ctx, "tick"), 1)
	})
}

func TestToldEventsSurviveLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.Elected(0, 1) // still loading when it is told
		w.Tell(func(*counter, time.Time) Outcome {
			return Outcome{Records: []Record{{Key: []byte("told"), Value: []byte("1")}}}
		})
		synctest.Wait()
		want(t, w.get(t.Context(), "told"), 1)
	})
}

func TestDivisibleRecordsTakeSeveralBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		ctx := t.Context()
		w.Elected(0, 1)
		synctest.Wait()
		waiter := NewWaiter(refused)
		got := w.Do(ctx, 0, waiter, func(*counter, time.Time) Outcome {
			o := Outcome{Divisible: true, Answers: []Answer{{Waiter: waiter, Response: "done"}}}
			for range 10_000 {
				o.Records = append(o.Records, Record{Key: []byte("a long enough key"), Value: []byte("1")})
			}
			return o
		})
		want(t, got, "done")
		want(t, w.get(ctx, "a long enough key"), 10_000)
		if len(w.log.batches) < 3 {
			t.Errorf("%d batches", len(w.log.batches))
		}
		for _, b := range w.log.batches {
			if len(b) > dividedBytesMax {
				t.Errorf("a batch of %d bytes", len(b))
			}
		}
	})
}

func TestGoneClientDoesNotHoldTheShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		w.Elected(0, 1)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan any)
		waiter := NewWaiter(refused)
		go func() {
			gone <- w.Do(ctx, 0, waiter, func(c *counter, now time.Time) Outcome {
				c.at, c.parked = now.Add(time.Minute), append(c.parked, waiter)
				return Outcome{}
			})
		}()
		synctest.Wait()
		cancel()
		want(t, <-gone, ErrUnavailable)
		time.Sleep(time.Minute)
		synctest.Wait()
		want(t, w.get(t.Context(), "tick"), 1)
	})
}

func TestLoadReplaysTransactionsOnceTheyCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		transactional := func(id model.ProducerID, key string) record.Batch {
			b := record.NewBuilder(record.BuildOptions{Transactional: true, Producer: &record.Producer{ID: id, Epoch: 0, BaseSequence: 0}})
			b.Append(0, []byte(key), []byte("1"))
			return b.Build()
		}
		marker := func(id model.ProducerID, kind record.ControlType) record.Batch {
			return record.ControlBatch(record.Marker{Type: kind, ProducerID: id})
		}
		for _, b := range []record.Batch{
			transactional(1, "committed"), transactional(2, "aborted"), transactional(3, "open"),
			marker(1, record.ControlCommit), marker(2, record.ControlAbort),
		} {
			if _, err := w.log.Append(b, 0); err != nil {
				t.Fatal(err)
			}
		}
		w.Elected(0, 1)
		synctest.Wait()
		want(t, w.get(t.Context(), "committed"), 1)
		want(t, w.get(t.Context(), "aborted"), 0)
		want(t, w.get(t.Context(), "open"), 0)
	})
}

func TestLoadPassesOverRecordsItCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		b := record.NewBuilder(record.BuildOptions{})
		b.Append(0, []byte("a"), []byte("no number"))
		b.Append(0, []byte("a"), []byte("4"))
		if _, err := w.log.Append(b.Build(), 0); err != nil {
			t.Fatal(err)
		}
		w.Elected(0, 1)
		synctest.Wait()
		want(t, w.get(t.Context(), "a"), 4)
	})
}

func TestPartitionForIsJavas(t *testing.T) {
	f := func(key string, want model.Partition) {
		t.Helper()
		if got := PartitionFor(key, 50); got != want {
			t.Errorf("%q is in partition %d, want %d", key, got, want)
		}
	}
	// As Kafka 4.3.1 put them.
	f("", 0)
	f("g0", 41)
	f("g1", 42)
	f("gs", 8)
	f("gst", 14)
	f("gret", 24)
	f("gpend", 26)
	f("polygenelubricants", 0) // hashes to MinInt32, which has no absolute value
	f("𝄞", 1772394%50)         // two UTF-16 units: 31 * 0xD834 + 0xDD1E
}

func TestStateDiagram(t *testing.T) {
	allowed := map[[2]State]bool{
		{Loading, Active}: true, {Loading, Failed}: true, {Loading, Closed}: true,
		{Active, Failed}: true, {Active, Closed}: true, {Failed, Loading}: true, {Failed, Closed}: true,
	}
	for from := Loading; from <= Closed; from++ {
		for to := Loading; to <= Closed; to++ {
			if got := from.may(to); got != allowed[[2]State{from, to}] {
				t.Errorf("%s to %s: %t", from, to, got)
			}
		}
	}
}
