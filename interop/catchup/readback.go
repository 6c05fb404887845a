package main

import (
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/machine"
)

// readBack reads both topics from the beginning, and compares the counts with what was
// acknowledged.
func (r *run) readBack() error {
	client, err := kgo.NewClient(kgo.SeedBrokers(r.w.addrs...), kgo.ConsumeTopics(bulk, live), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxPartitionBytes(8<<20), kgo.FetchMaxBytes(64<<20))
	if err != nil {
		return err
	}
	defer client.Close()
	want := maps.Clone(r.w.written)
	total, read := want[bulk]+want[live], map[string]int64{}
	for sum := int64(0); sum < total; sum = read[bulk] + read[live] {
		fetches := client.PollFetches(r.ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("%d of %d records read back: %w", sum, total, err)
		}
		fetches.EachTopic(func(t kgo.FetchTopic) {
			for _, p := range t.Partitions {
				read[t.Topic] += int64(len(p.Records))
			}
		})
	}
	if !maps.Equal(read, want) {
		return errors.New(fmt.Sprint("acknowledged and read back, by topic: ", want, read))
	}
	fmt.Fprintf(r.out, "%d records acknowledged, %d read back; load average %s\n", total, read[bulk]+read[live], machine.Load())
	return nil
}
