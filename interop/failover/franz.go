package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// franzClient is franz-go with its defaults, and with records that go to the partition that they name.
type franzClient struct {
	topic    string
	producer *kgo.Client
	admin    *kadm.Client
	end      context.CancelFunc
	sending  sync.WaitGroup
	asked    metadataTimes
	ended    endedConnections
}

// metadataMinAge is for how long franz-go fetches no metadata after it has, whatever
// happens (kgo.MetadataMinAge, by default): struck any sooner it would measure what is
// left of that. Besides when a topic is new, it now and then fetches 5 s later.
const metadataMinAge = 5 * time.Second

// metadataTimes notes when a client has last had metadata.
type metadataTimes struct{ last atomic.Int64 }

// OnBrokerRead implements kgo.HookBrokerRead.
func (m *metadataTimes) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == int16(kmsg.Metadata) {
		m.last.Store(time.Now().UnixNano())
	}
}

// endedConnections notes when connections have ended, and to which node.
type endedConnections struct {
	mu struct {
		sync.Mutex
		all []endedConnection
	}
}

type endedConnection struct {
	node int
	at   time.Time
}

// OnBrokerDisconnect implements kgo.HookBrokerDisconnect.
func (e *endedConnections) OnBrokerDisconnect(to kgo.BrokerMetadata, _ net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mu.all = append(e.mu.all, endedConnection{node: int(to.NodeID), at: time.Now()})
}

func newFranzClient(addrs []string) (*franzClient, error) {
	f := &franzClient{}
	producer, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.WithHooks(&f.asked, &f.ended))
	if err != nil {
		return nil, err
	}
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		producer.Close()
		return nil, err
	}
	f.producer, f.admin = producer, admin
	return f, nil
}

func (f *franzClient) name() string { return "franz-go" }

// settled implements client.
func (f *franzClient) settled() time.Time {
	return time.Unix(0, f.asked.last.Load()).Add(metadataMinAge)
}

// outOfDate implements client.
func (f *franzClient) outOfDate(since time.Time, struck int) bool {
	f.ended.mu.Lock()
	defer f.ended.mu.Unlock()
	return slices.ContainsFunc(f.ended.mu.all, func(e endedConnection) bool {
		return e.node > 0 && e.node != struck && e.at.After(since)
	})
}

func (f *franzClient) produce(topic string, partition int, to *ledger) error {
	ctx, cancel := context.WithCancel(context.Background())
	f.topic, f.end = topic, cancel
	f.sending.Go(func() {
		ticker := time.NewTicker(sendEvery)
		defer ticker.Stop()
		for number := int64(0); ; number++ {
			record := &kgo.Record{Topic: topic, Partition: int32(partition), Value: strconv.AppendInt(nil, number, 10)}
			// Not with ctx: what was sent before the end is to be acknowledged.
			f.producer.Produce(context.Background(), record, func(r *kgo.Record, err error) {
				if err != nil {
					to.failed(err.Error())
					return
				}
				to.acknowledged(number, r.Offset, time.Now())
			})
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

func (f *franzClient) stop(ctx context.Context) error {
	f.end()
	f.sending.Wait()
	err := f.producer.Flush(ctx)
	// It would ask for the topic for ever, and again and again once it is deleted.
	f.producer.PurgeTopicsFromProducing(f.topic)
	return err
}

func (f *franzClient) createTopic(ctx context.Context, topic string) error {
	for {
		_, err := f.admin.CreateTopic(ctx, 1, 3, nil, topic)
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
	}
}

func (f *franzClient) close() {
	if f.end != nil {
		f.end()
	}
	f.producer.Close()
	f.admin.Close()
}
