package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// place is a partition.
type place struct {
	topic     string
	partition int32
}

// records is how many of each partition's records were acknowledged: they are numbered.
type records map[place]int

// records writes one to each partition, and reads all of them back.
func (s *scene) records(ctx context.Context) error {
	all := s.places()
	what := fmt.Sprintf("a record to each partition, acknowledged by all copies (%d)", len(all))
	if err := s.timed(what, "", func() error { return s.produce(ctx, all) }); err != nil {
		return err
	}
	return s.readBack(ctx)
}

func (s *scene) places() []place {
	var all []place
	for _, topic := range s.topicNames() {
		for i := range s.o.partitions {
			all = append(all, place{topic, int32(i)})
		}
	}
	return all
}

// produce writes the next record of each of some partitions, and returns when all are
// acknowledged.
func (s *scene) produce(ctx context.Context, to []place) error {
	var mu sync.Mutex
	var failures []error
	var waiting sync.WaitGroup
	for _, p := range to {
		waiting.Add(1)
		record := &kgo.Record{Topic: p.topic, Partition: p.partition, Value: value(p, s.acked[p])}
		s.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				failures = append(failures, err)
				mu.Unlock()
			}
			waiting.Done()
		})
	}
	waiting.Wait()
	if len(failures) > 0 {
		return fmt.Errorf("%d of %d records are not acknowledged: %w", len(failures), len(to), failures[0])
	}
	for _, p := range to {
		s.acked[p]++
	}
	return nil
}

func value(p place, number int) []byte {
	return fmt.Appendf(nil, "%s/%d/%d", p.topic, p.partition, number)
}

// readBack reads all partitions from the beginning until every record that was
// acknowledged has come, in order.
func (s *scene) readBack(ctx context.Context) error {
	expected := 0
	for _, n := range s.acked {
		expected += n
	}
	return s.timed(fmt.Sprintf("all records read back and compared (%d)", expected), "", func() error {
		ctx, cancel := context.WithTimeout(ctx, stepMax)
		defer cancel()
		return s.compare(ctx, expected)
	})
}

func (s *scene) compare(ctx context.Context, expected int) error {
	from := make(map[string]map[int32]kgo.Offset)
	for p := range s.acked {
		if from[p.topic] == nil {
			from[p.topic] = make(map[int32]kgo.Offset)
		}
		from[p.topic][p.partition] = kgo.NewOffset().AtStart()
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(s.cluster.Addrs()...), kgo.ConsumePartitions(from))
	if err != nil {
		return err
	}
	defer consumer.Close()
	seen, count := make(records), 0
	for count < expected {
		fetches := consumer.PollFetches(ctx)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("%d of %d records have come", count, expected))
		}
		for _, r := range fetches.Records() {
			p := place{r.Topic, r.Partition}
			if want := value(p, seen[p]); string(r.Value) != string(want) {
				return fmt.Errorf("%s-%d has %q at offset %d, not %q", r.Topic, r.Partition, r.Value, r.Offset, want)
			}
			seen[p]++
			count++
		}
	}
	for p, n := range s.acked {
		if seen[p] != n {
			return fmt.Errorf("%s-%d has %d records, and %d were acknowledged", p.topic, p.partition, seen[p], n)
		}
	}
	return nil
}
