//go:build linux

package load

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik/chronik/interop/faults/history"
)

// observeEvery is how often the group's offsets are asked for.
const observeEvery = 500 * time.Millisecond

// observe asks for the group's offsets until ctx ends.
func observe(ctx context.Context, o Options) error {
	client, err := o.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for ctx.Err() == nil {
		pause(ctx, observeEvery)
		began := history.Now()
		answer, err := admin.FetchOffsets(ctx, o.Group)
		if err != nil {
			continue // there is no coordinator just now
		}
		ended := history.Now()
		for partition := range o.Partitions {
			op := history.Op{Began: began, Ended: ended, Client: "observer", Kind: history.Committed, Partition: partition, Offset: history.NoOffset}
			if offset, ok := answer.Lookup(o.Topic, partition); ok {
				if offset.Err != nil {
					continue
				}
				op.Offset = offset.At
			}
			o.History.Add(op)
		}
	}
	return nil
}
