//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/interop/faults/history"
)

const (
	// finalMax bounds the wait for the next records of the last read.
	finalMax = 30 * time.Second
	lastName = "last"
)

// Ends are the ends of partitions.
type Ends map[int32]int64

// ReadAll reads everything with a new client, when nobody writes any more, and returns
// the ends that it was told. What it does not come to is for the checker to find.
func ReadAll(ctx context.Context, o Options) (Ends, error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	told, err := endsOf(ctx, client, o)
	if err != nil {
		return nil, fmt.Errorf("the ends of %s: %w", o.Topic, err)
	}
	ends := maps.Clone(told)
	from := map[int32]kgo.Offset{}
	for partition := range ends {
		now := history.Now()
		o.History.Add(history.Op{Began: now, Ended: now, Client: lastName, Kind: history.End, Partition: partition, Offset: ends[partition]})
		from[partition] = kgo.NoResetOffset().At(0)
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: from})
	for left(ends) {
		next, cancel := context.WithTimeout(ctx, finalMax)
		began := history.Now()
		fetches := client.PollFetches(next)
		cancel()
		fetches.EachError(func(_ string, partition int32, err error) {
			if !errors.Is(err, context.DeadlineExceeded) {
				trouble(o.History, lastName, partition, err)
			}
		})
		got := recordsOf(fetches)
		if len(got) == 0 && next.Err() != nil {
			return told, nil
		}
		for partition, records := range got {
			o.History.Add(history.Op{Began: began, Ended: history.Now(), Client: lastName, Kind: history.Final, Partition: partition, Records: records})
			if records[len(records)-1].Offset+1 >= ends[partition] {
				delete(ends, partition)
			}
		}
	}
	return told, nil
}

// left reports whether there are partitions that have not been read to their ends.
func left(ends Ends) bool {
	for _, end := range ends {
		if end > 0 {
			return true
		}
	}
	return false
}

// endsOf asks for the ends of all partitions, until each is told.
func endsOf(ctx context.Context, client *kgo.Client, o Options) (Ends, error) {
	ctx, cancel := context.WithTimeout(ctx, finalMax)
	defer cancel()
	for {
		ends := Ends{}
		listed, err := kadm.NewClient(client).ListEndOffsets(ctx, o.Topic)
		if err == nil {
			err = listed.Error()
		}
		listed.Each(func(l kadm.ListedOffset) { ends[l.Partition] = l.Offset })
		if err == nil && len(ends) == int(o.Partitions) {
			return ends, nil
		}
		if pause(ctx, 200*time.Millisecond); ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}
