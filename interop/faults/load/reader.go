//go:build linux

package load

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/interop/faults/history"
)

// reader reads all partitions from their beginnings on. It never resets an offset by
// itself: to be told that there is nothing where it was is worth knowing.
type reader struct {
	o     Options
	name  string
	again time.Duration // after which it begins anew; 0: never

	session int64
	next    map[int32]int64
}

func newReader(o Options, name string, again time.Duration) *reader {
	return &reader{o: o, name: name, again: again}
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		r.session++
		r.next = map[int32]int64{}
		turn, cancel := ctx, context.CancelFunc(func() {})
		if r.again > 0 {
			turn, cancel = context.WithTimeout(ctx, r.again)
		}
		for turn.Err() == nil {
			if err := r.follow(turn); err != nil {
				cancel()
				return err
			}
			pause(turn, 200*time.Millisecond)
		}
		cancel()
	}
	return nil
}

// follow reads with one client, until ctx ends or the client is told an error after which
// it stands still.
func (r *reader) follow(ctx context.Context) error {
	from := map[int32]kgo.Offset{}
	for partition := range r.o.Partitions {
		from[partition] = kgo.NoResetOffset().At(r.next[partition])
	}
	client, err := r.o.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.o.Topic: from}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(500*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		began := history.Now()
		fetches := client.PollFetches(ctx)
		troubled := false
		fetches.EachError(func(_ string, partition int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				troubled = true
				trouble(r.o.History, r.name, partition, err)
			}
		})
		for partition, records := range recordsOf(fetches) {
			r.o.History.Add(history.Op{Began: began, Ended: history.Now(), Client: r.name, Kind: history.Read, Partition: partition, Session: r.session, Records: records})
			r.next[partition] = records[len(records)-1].Offset + 1
		}
		if troubled {
			return nil
		}
	}
	return nil
}

// recordsOf are what a poll has brought, by partition.
func recordsOf(fetches kgo.Fetches) map[int32][]history.Record {
	got := map[int32][]history.Record{}
	fetches.EachRecord(func(r *kgo.Record) {
		got[r.Partition] = append(got[r.Partition], history.Record{Offset: r.Offset, Value: parse(r.Value)})
	})
	return got
}

func trouble(h *history.Recorder, client string, partition int32, err error) {
	now := history.Now()
	h.Add(history.Op{Began: now, Ended: now, Client: client, Kind: history.Trouble, Partition: partition, Note: err.Error()})
}
