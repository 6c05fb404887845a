package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/exchange"
	"github.com/chronik/chronik/interop/process"
)

// clusterIdleness takes the memory and the processor time of three nodes that have
// worked and are left alone.
func clusterIdleness(ctx context.Context, o options) ([]series, error) {
	worked := fmt.Sprintf("after %d MB in %d batches", workBatches*workRecords*workBytes/1_000_000, workBatches)
	f := clusterIdle{
		first:  series{what: "3 nodes: resident each, before any work", unit: "MiB"},
		memory: series{what: "3 nodes: resident each, idle", unit: "MiB", note: worked},
		each:   series{what: fmt.Sprintf("3 nodes: CPU ticks of 10 ms in %s, each, idle", o.idle), unit: "ticks", note: worked},
		all:    series{what: fmt.Sprintf("3 nodes: CPU ticks of 10 ms in %s, all, idle", o.idle), unit: "ticks", note: worked},
		waits:  series{what: "3 nodes: voluntary context switches, all, idle", unit: "/s", note: worked},
	}
	for range o.runs {
		err := withCluster(o, func(c *cluster.Cluster, _ time.Time) error { return f.take(ctx, c, o.idle) })
		if err != nil {
			return nil, err
		}
	}
	return []series{f.first, f.memory, f.each, f.all, f.waits}, nil
}

type clusterIdle struct{ first, memory, each, all, waits series }

func (f *clusterIdle) take(ctx context.Context, c *cluster.Cluster, idle time.Duration) error {
	client := routeTo(c)
	defer client.Close()
	for _, n := range c.Nodes {
		if _, err := readyAt(ctx, n); err != nil {
			return err
		}
	}
	if err := client.Find(); err != nil {
		return err
	}
	if err := memoryOf(c, &f.first); err != nil {
		return err
	}
	batch := exchange.Batch(workRecords, workBytes)
	for range workBatches {
		if err := client.Produce(ctx, batch); err != nil {
			return err
		}
	}
	// What the work has left to do ends, then the rest is watched.
	if err := wait(ctx, time.Second); err != nil {
		return err
	}
	if err := f.watch(ctx, c, idle); err != nil {
		return err
	}
	return memoryOf(c, &f.memory)
}

func memoryOf(c *cluster.Cluster, memory *series) error {
	for _, n := range c.Nodes {
		bytes, err := process.ResidentBytes(n.PID())
		if err != nil {
			return err
		}
		memory.add(bytes / mebi)
	}
	return nil
}

func (f *clusterIdle) watch(ctx context.Context, c *cluster.Cluster, idle time.Duration) error {
	ticks, waited := map[int]float64{}, 0.0
	// look adds up what has been used since, where sign is -1 before and 1 after.
	look := func(sign float64) error {
		for _, n := range c.Nodes {
			used, err := process.Ticks(n.PID())
			if err != nil {
				return err
			}
			ticks[n.ID] += sign * used
			count, err := process.Waits(n.PID())
			if err != nil {
				return err
			}
			waited += sign * count
		}
		return nil
	}
	if err := look(-1); err != nil {
		return err
	}
	began := time.Now()
	if err := wait(ctx, idle); err != nil {
		return err
	}
	if err := look(1); err != nil {
		return err
	}
	sum := 0.0
	for _, used := range ticks {
		f.each.add(used)
		sum += used
	}
	f.all.add(sum)
	f.waits.add(waited / time.Since(began).Seconds())
	return nil
}
