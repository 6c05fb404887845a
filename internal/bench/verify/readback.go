package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/result"
)

// silenceMax is how long a cluster may give nothing before the reading ends with an error.
const silenceMax = 30 * time.Second

// Reading says what is read back: of each partition that From names, what is from there
// up to the offset that To has, exclusive.
type Reading struct {
	Client []kgo.Opt // how the cluster is reached
	Topic  string
	From   map[int32]int64
	To     map[int32]int64
	Run    uint64
	Bytes  int // of each value
}

// ReadBack reads a run's records, and compares. Nobody writes to the topic any more. It
// fails where the cluster does not give what it has; records that are missing are no
// error, but counted.
func ReadBack(ctx context.Context, r Reading, l *Ledger) (result.Verified, error) {
	began := time.Now()
	left, from := map[int32]int64{}, map[int32]kgo.Offset{}
	for partition, end := range r.To {
		if r.From[partition] < end {
			left[partition] = end
			from[partition] = kgo.NewOffset().At(r.From[partition])
		}
	}
	t := newTally(r.Run, r.Bytes, l)
	if len(left) > 0 {
		// Control records are kept, since the last offset may be one's.
		client, err := kgo.NewClient(append(slices.Clone(r.Client), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.Topic: from}),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
		if err != nil {
			return result.Verified{}, err
		}
		defer client.Close()
		if err := read(ctx, client, t, left); err != nil {
			return result.Verified{}, fmt.Errorf("read back: %w", err)
		}
	}
	v := t.result()
	v.Seconds = time.Since(began).Seconds()
	return v, nil
}

func read(ctx context.Context, client *kgo.Client, t *tally, left map[int32]int64) error {
	for len(left) > 0 {
		next, cancel := context.WithTimeout(ctx, silenceMax)
		fetches := client.PollFetches(next)
		silent := next.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("partition %d: %w", e.Partition, e.Err)
			}
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { t.partition(p, left) })
		if silent && fetches.Empty() {
			return fmt.Errorf("no record for %s, with %d partitions left to read", silenceMax, len(left))
		}
	}
	return nil
}

// partition counts what has come of a partition, and strikes it off once that is all.
func (t *tally) partition(p kgo.FetchTopicPartition, left map[int32]int64) {
	end, wanted := left[p.Partition]
	if !wanted || len(p.Records) == 0 {
		return
	}
	for _, r := range p.Records {
		if !r.Attrs.IsControl() && r.Offset < end {
			t.add(r.Key, r.Value)
		}
	}
	if p.Records[len(p.Records)-1].Offset+1 >= end {
		delete(left, p.Partition)
	}
}
