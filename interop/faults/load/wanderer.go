//go:build linux

package load

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/interop/faults/history"
)

const (
	wandererName = "wanderer"
	// wanderAfter is how long a node is read from, before it is another's turn.
	wanderAfter = 3 * time.Second
	// wanderMax bounds one fetch: a node that is cut off is left soon.
	wanderMax = 2 * time.Second
)

// wander reads all partitions from one node after the other, leader or follower, where it
// was, until ctx ends. A follower must show nothing that is not committed, and nobody but
// a reader of followers finds out.
func wander(ctx context.Context, o Options) error {
	client, err := o.client(kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer client.Close()
	next := make([]int64, o.Partitions)
	for turn := 0; ctx.Err() == nil; turn++ {
		broker := client.Broker(turn%len(o.Bootstrap) + 1)
		for end := time.Now().Add(wanderAfter); time.Now().Before(end) && ctx.Err() == nil; {
			got := 0
			for partition := range o.Partitions {
				began := history.Now()
				asked, cancel := context.WithTimeout(ctx, wanderMax)
				records, err := fetchFrom(asked, broker, o.Topic, partition, next[partition])
				cancel()
				if err != nil || len(records) == 0 {
					continue // down, cut off, or behind: others are asked next
				}
				got += len(records)
				o.History.Add(history.Op{Began: began, Ended: history.Now(), Client: wandererName, Kind: history.Read, Partition: partition, Records: records})
				next[partition] = records[len(records)-1].Offset + 1
			}
			if got == 0 {
				pause(ctx, 100*time.Millisecond)
			}
		}
	}
	return nil
}
