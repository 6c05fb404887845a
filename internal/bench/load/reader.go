package load

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/measure"
	"github.com/chronik/chronik/internal/bench/payload"
)

// reader reads some partitions, without a group.
type reader struct {
	*timekeeper
	client   *kgo.Client
	recorder *measure.Recorder
	run      uint64 // whose records have a latency, where stamped is set
	stamped  bool
	ends     map[int32]int64 // offsets that it stops at, exclusive; nil: it follows
	own      atomic.Int64    // how many of the run's it has read
	pace     *pace           // of all readers together
}

// pace holds readers to a rate.
type pace struct {
	rate float64 // records a second; 0: none
	read atomic.Int64
}

// until is when so many more records were due, since the run began.
func (p *pace) until(records int) time.Duration {
	if p.rate == 0 {
		return 0
	}
	return time.Duration(float64(p.read.Add(int64(records))) / p.rate * float64(time.Second))
}

// read reads until all ends have been reached, or ctx ends.
func (r *reader) read(ctx context.Context) {
	for ctx.Err() == nil && (r.ends == nil || len(r.ends) > 0) {
		fetches := r.client.PollFetches(ctx)
		now := r.now()
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil && !errors.Is(e.Err, context.Canceled) {
				r.recorder.Failed(now, now, kind(e.Err))
				r.pause(ctx)
			}
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { r.count(p, now) })
		if ahead := r.pace.until(fetches.NumRecords()) - r.now(); ahead > 0 {
			wait(ctx, ahead)
		}
	}
}

// count counts what has come of a partition at a time.
func (r *reader) count(p kgo.FetchTopicPartition, now time.Duration) {
	if len(p.Records) == 0 {
		return
	}
	if r.stamped {
		r.latencies(p.Records, now)
	} else {
		records, bytes := 0, 0
		for _, record := range p.Records {
			if !record.Attrs.IsControl() {
				records, bytes = records+1, bytes+len(record.Key)+len(record.Value)
			}
		}
		r.recorder.Read(now, records, bytes)
	}
	if end, bounded := r.ends[p.Partition]; bounded && p.Records[len(p.Records)-1].Offset+1 >= end {
		delete(r.ends, p.Partition)
	}
}

// latencies counts the run's own records, each with its latency.
func (r *reader) latencies(records []*kgo.Record, now time.Duration) {
	own := int64(0)
	for _, record := range records {
		stamp, ok := payload.ReadStamp(record.Value)
		if !ok || stamp.Run != r.run {
			continue
		}
		r.recorder.Done(time.Duration(stamp.Due), now, len(record.Key)+len(record.Value))
		own++
	}
	r.own.Add(own)
}
