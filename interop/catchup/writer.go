package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	liveBytes, bulkBytes = 256, 1024
	partitions           = 6
)

// writer writes to both topics: to live one record after the other, each when the one
// before is acknowledged by the in-sync replicas, and to bulk what fill is told, as fast
// as it goes.
type writer struct {
	filler, client *kgo.Client
	addrs          []string
	end            context.CancelFunc
	writing        sync.WaitGroup

	mu      sync.Mutex
	waits   []time.Duration // of live records, since forget
	began   time.Time       // when the record was sent that waits; zero: none
	written map[string]int64
	err     error
}

func newWriter(ctx context.Context, addrs []string) (*writer, error) {
	w := &writer{addrs: addrs, written: map[string]int64{}}
	var err error
	if w.client, err = kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(live), kgo.ProducerBatchCompression(kgo.NoCompression())); err != nil {
		return nil, err
	}
	w.filler, err = kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(bulk), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(50_000), kgo.RecordPartitioner(kgo.UniformBytesPartitioner(256<<10, false, false, nil)))
	if err != nil {
		return nil, err
	}
	_, err = kadm.NewClient(w.client).CreateTopics(ctx, partitions, 3, nil, bulk, live)
	return w, err
}

func (w *writer) close() {
	w.client.Close()
	w.filler.Close()
}

func (w *writer) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	w.writing.Go(func() {
		value := make([]byte, liveBytes)
		for ctx.Err() == nil {
			began := time.Now()
			w.mu.Lock()
			w.began = began
			w.mu.Unlock()
			// Not with ctx: what was sent before the end is to be counted.
			err := w.client.ProduceSync(context.Background(), &kgo.Record{Value: value}).FirstErr()
			w.mu.Lock()
			w.waits, w.began = append(w.waits, time.Since(began)), time.Time{}
			w.countLocked(live, err)
			w.mu.Unlock()
		}
	})
}

func (w *writer) countLocked(topic string, err error) {
	if err == nil {
		w.written[topic]++
	} else if w.err == nil {
		w.err = fmt.Errorf("write to %s: %w", topic, err)
	}
}

// stop ends what start has begun, and says whether anything has failed.
func (w *writer) stop() error {
	w.end()
	w.writing.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// fill writes so many bytes to bulk, which no codec makes smaller.
func (w *writer) fill(ctx context.Context, bytes int64) error {
	random := rand.NewChaCha8([32]byte{1})
	value := make([]byte, bulkBytes)
	_, _ = random.Read(value) // cannot fail
	for range bytes / bulkBytes {
		w.filler.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.countLocked(bulk, err)
		})
	}
	return w.filler.Flush(ctx)
}

// forget begins to watch anew, and says what was seen until now.
func (w *writer) forget() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	waits := w.waits
	w.waits = nil
	if !w.began.IsZero() {
		waits = append(waits, time.Since(w.began)) // so that a long wait is not missed
	}
	if len(waits) == 0 {
		return "no record"
	}
	slices.Sort(waits)
	at := func(q float64) float64 { return waits[int(q*float64(len(waits)-1))].Seconds() * 1000 }
	return fmt.Sprintf("%6d records one by one: p50 %.2f p99 %.1f max %.1f ms", len(waits), at(0.5), at(0.99), at(1))
}
