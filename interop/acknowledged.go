package main

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
	// loadInterval is between two records of a load.
	loadInterval = 2 * time.Millisecond
	// goesOnMax is how long a load may stand still.
	goesOnMax = 20 * time.Second
)

// place is where a record is in a topic.
type place struct {
	partition int32
	offset    int64
}

// load produces to a topic all the time, with acks=all, and notes what was acknowledged.
type load struct {
	topic  string
	client *kgo.Client
	end    context.CancelFunc
	ended  chan struct{}

	mu struct {
		sync.Mutex
		acknowledged map[place]string
		failure      error         // of the first record that was given up
		more         chan struct{} // closed at the next acknowledgement
	}
}

func startLoad(ctx context.Context, brokers []string, topic string) (*load, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	l := &load{topic: topic, client: client, end: end, ended: make(chan struct{})}
	l.mu.acknowledged, l.mu.more = make(map[place]string), make(chan struct{})
	go l.run(ctx)
	return l, nil
}

func (l *load) run(ctx context.Context) {
	defer close(l.ended)
	again := time.NewTicker(loadInterval)
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

func (l *load) note(r *kgo.Record, err error) {
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

// goesOn waits until another record is acknowledged.
func (l *load) goesOn() error {
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
func (l *load) stop() (map[place]string, error) {
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

// close ends it, whether it was stopped or not.
func (l *load) close() {
	l.end()
	<-l.ended
	l.client.Close()
}
