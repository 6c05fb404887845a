package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/chronik/chronik/interop/exchange"
	"github.com/chronik/chronik/interop/process"
)

const mebi = 1 << 20

// The work before the rest: enough that buffers and indexes have been used.
const (
	workBatches = 200
	workRecords = 100
	workBytes   = 1000
)

// idleness takes the memory and the processor time of a broker that has worked
// and is left alone, with its last client still connected.
func idleness(ctx context.Context, o options) ([]series, error) {
	worked := fmt.Sprintf("after %d MB in %d batches", workBatches*workRecords*workBytes/1_000_000, workBatches)
	f := idleFigures{
		first:  series{what: "resident, before any work", unit: "MiB"},
		memory: series{what: "resident, idle", unit: "MiB", note: worked},
		ticks:  series{what: fmt.Sprintf("CPU ticks of 10 ms in %s, idle", o.idle), unit: "ticks", note: worked},
	}
	for range o.runs {
		err := withServer(ctx, o, func(s *server, conn net.Conn) error {
			return f.take(ctx, s, conn, o.idle)
		})
		if err != nil {
			return nil, err
		}
	}
	return []series{f.first, f.memory, f.ticks}, nil
}

type idleFigures struct{ first, memory, ticks series }

func (f *idleFigures) take(ctx context.Context, s *server, conn net.Conn, idle time.Duration) error {
	if err := createTopic(conn); err != nil {
		return err
	}
	bytes, err := process.ResidentBytes(s.pid())
	if err != nil {
		return err
	}
	f.first.add(bytes / mebi)
	if err := work(conn); err != nil {
		return err
	}
	// What the work has left to do ends, then the rest is watched.
	if err := wait(ctx, time.Second); err != nil {
		return err
	}
	before, err := process.Ticks(s.pid())
	if err != nil {
		return err
	}
	if err := wait(ctx, idle); err != nil {
		return err
	}
	after, err := process.Ticks(s.pid())
	if err != nil {
		return err
	}
	f.ticks.add(after - before)
	bytes, err = process.ResidentBytes(s.pid())
	f.memory.add(bytes / mebi)
	return err
}

func work(conn net.Conn) error {
	batch := exchange.Batch(workRecords, workBytes)
	for range workBatches {
		if err := exchange.Produce(conn, topic, batch); err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
