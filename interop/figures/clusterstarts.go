package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/exchange"
)

// clusterStarts takes the time from the exec of the first of three nodes to the first
// record that is acknowledged with acks=-1, whichever of them a client asks, and to
// when all three serve.
func clusterStarts(ctx context.Context, o options) ([]series, error) {
	acknowledged := series{what: "3 nodes: exec to the first acknowledged record", unit: "ms", note: "acks=-1, its topic made on the way, on three replicas"}
	ready := series{what: "3 nodes: exec to all of them ready", unit: "ms"}
	batch := exchange.Batch(1, 100)
	for range o.runs {
		err := withCluster(o, func(c *cluster.Cluster, began time.Time) error {
			client := routeTo(c)
			defer client.Close()
			if err := client.Produce(ctx, batch); err != nil {
				return err
			}
			acknowledged.add(milliseconds(time.Since(began)))
			last := began
			for _, n := range c.Nodes {
				at, err := readyAt(ctx, n)
				if err != nil {
					return err
				}
				if at.After(last) {
					last = at
				}
			}
			ready.add(milliseconds(last.Sub(began)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []series{acknowledged, ready}, nil
}

// readyAt is when a node has said that it is ready.
func readyAt(ctx context.Context, n *cluster.Node) (time.Time, error) {
	for began := time.Now(); time.Since(began) < startMax; {
		text, err := os.ReadFile(n.LogPath)
		if err != nil {
			return time.Time{}, err
		}
		for line := range bytes.Lines(text) {
			var entry struct {
				Time time.Time
				Msg  string
			}
			// The last line may not be whole, and others are not entries.
			if json.Unmarshal(line, &entry) == nil && entry.Msg == "chronik is ready" {
				return entry.Time, nil
			}
		}
		if err := wait(ctx, lookAgain); err != nil {
			return time.Time{}, err
		}
	}
	return time.Time{}, fmt.Errorf("node %d is not ready after %s", n.ID, startMax)
}
