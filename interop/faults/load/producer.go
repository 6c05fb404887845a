//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/interop/faults/history"
)

const (
	// sendEvery is how often a producer sends one record to each partition.
	sendEvery = 10 * time.Millisecond
	// underwayMax bounds what waits for one partition, so that one without a leader does not
	// hold up the others.
	underwayMax = 200
)

// producer is an idempotent producer. Where its client gives a record up it may not go
// on, as what it sends next may come before what it gave up; another takes its place,
// under another name.
type producer struct {
	o        Options
	number   int
	sequence []int64 // by partition, and by its goroutine alone
	underway []atomic.Int64

	client     *kgo.Client
	clientName string
	clients    int
	broken     *atomic.Bool // the client has given something up
	finishing  atomic.Bool
	closing    sync.WaitGroup
}

func newProducer(o Options, number int) *producer {
	return &producer{o: o, number: number, sequence: make([]int64, o.Partitions), underway: make([]atomic.Int64, o.Partitions)}
}

// run sends until ctx ends, and then waits for what is under way.
func (p *producer) run(ctx context.Context) error {
	if err := p.renew(); err != nil {
		return err
	}
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			if p.broken.Load() {
				if err := p.renew(); err != nil {
					return err
				}
			}
			for partition := range p.o.Partitions {
				p.send(partition)
			}
		}
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishMax)
	defer cancel()
	_ = p.client.Flush(finish) // what is left is pending, and says so
	p.finishing.Store(true)
	p.client.Close()
	p.closing.Wait()
	return nil
}

// renew makes a new client, with another identity.
func (p *producer) renew() error {
	if old := p.client; old != nil {
		p.closing.Go(old.Close)
	}
	client, err := p.o.client(
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.ProduceRequestTimeout(requestMax),
		kgo.UnknownTopicRetries(-1),
		kgo.StopProducerOnDataLossDetected(),
	)
	if err != nil {
		return err
	}
	p.clients++
	p.client, p.broken = client, &atomic.Bool{}
	p.clientName = fmt.Sprintf("go-%d/%d", p.number, p.clients)
	return nil
}

func (p *producer) send(partition int32) {
	if p.underway[partition].Load() >= underwayMax {
		return
	}
	p.sequence[partition]++
	p.underway[partition].Add(1)
	op := history.Op{Began: history.Now(), Client: p.clientName, Kind: history.Produce, Partition: partition,
		Sequence: p.sequence[partition], Value: value(p.clientName, partition, p.sequence[partition])}
	broken := p.broken
	record := &kgo.Record{Topic: p.o.Topic, Partition: partition, Value: payload(op.Value, op.Sequence)}
	p.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
		p.underway[partition].Add(-1)
		op.Ended, op.Offset, op.Outcome = history.Now(), r.Offset, history.Acked
		if err != nil {
			op.Offset, op.Outcome, op.Note = history.NoOffset, history.Unknown, err.Error()
			broken.Store(true)
			if errors.Is(err, kgo.ErrClientClosed) && p.finishing.Load() {
				op.Outcome = history.Pending
			}
		}
		p.o.History.Add(op)
	})
}
