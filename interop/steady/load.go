// Package steady produces to a topic all the time, and afterwards looks whether what was
// acknowledged is there. A Load has one goroutine of its own, beside its client's; its
// lock is a leaf.
package steady

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// interval is between two records.
	interval = 2 * time.Millisecond
	// goesOnMax is how long a load may stand still.
	goesOnMax = 20 * time.Second
)

// place is where a record is in a topic.
type place struct {
	partition int32
	offset    int64
}

// Load produces to a topic, with acks=all, and notes what was acknowledged.
type Load struct {
	topic   string
	brokers []string
	client  *kgo.Client
	end     context.CancelFunc
	ended   chan struct{}

	mu struct {
		sync.Mutex
		acknowledged map[place]string
		failure      error         // of the first record that was given up
		more         chan struct{} // closed at the next acknowledgement
	}
}

// Start begins.
func Start(ctx context.Context, brokers []string, topic string) (*Load, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	l := &Load{topic: topic, brokers: brokers, client: client, end: end, ended: make(chan struct{})}
	l.mu.acknowledged, l.mu.more = make(map[place]string), make(chan struct{})
	go l.run(ctx)
	return l, nil
}

func (l *Load) run(ctx context.Context) {
	defer close(l.ended)
	again := time.NewTicker(interval)
	defer again.Stop()
	for n := 0; ; n++ {
		select {
		case <-again.C:
			l.client.Produce(context.WithoutCancel(ctx), kgo.StringRecord(strconv.Itoa(n)), l.note)
		case <-ctx.Done():
			return
		}
	}
}

func (l *Load) note(r *kgo.Record, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		if l.mu.failure == nil {
			l.mu.failure = fmt.Errorf("record %s: %w", r.Value, err)
		}
		return
	}
	l.mu.acknowledged[place{r.Partition, r.Offset}] = string(r.Value)
	close(l.mu.more)
	l.mu.more = make(chan struct{})
}

// GoesOn waits until another record is acknowledged.
func (l *Load) GoesOn() error {
	l.mu.Lock()
	more := l.mu.more
	l.mu.Unlock()
	select {
	case <-more:
		return nil
	case <-time.After(goesOnMax):
		return fmt.Errorf("nothing was acknowledged in %s", goesOnMax)
	}
}

// stop ends it when all is acknowledged that was produced, and returns that.
func (l *Load) stop() (map[place]string, error) {
	l.end()
	<-l.ended
	ctx, cancel := context.WithTimeout(context.Background(), goesOnMax)
	defer cancel()
	err := l.client.Flush(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		err = l.mu.failure
	}
	if err == nil && len(l.mu.acknowledged) == 0 {
		err = errors.New("nothing was acknowledged")
	}
	return l.mu.acknowledged, err
}

// ReadBack ends it, and reads the topic until it has found all that was acknowledged: it
// returns how much that was.
func (l *Load) ReadBack(ctx context.Context) (count int, err error) {
	missing, err := l.stop()
	if err != nil {
		return 0, err
	}
	count = len(missing)
	reader, err := kgo.NewClient(kgo.SeedBrokers(l.brokers...), kgo.ConsumeTopics(l.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	for len(missing) > 0 && err == nil {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			return count, fmt.Errorf("of %d records that were acknowledged %d are not there", count, len(missing))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at := place{r.Partition, r.Offset}
			if want, ok := missing[at]; ok && want != string(r.Value) {
				err = fmt.Errorf("at %v there is %q, and %q was acknowledged", at, r.Value, want)
			}
			delete(missing, at)
		})
	}
	return count, err
}

// Close ends it, whether it was stopped or not.
func (l *Load) Close() {
	l.end()
	<-l.ended
	l.client.Close()
}
