package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/interop/exchange"
	"github.com/chronik/chronik/interop/process"
)

// connections takes what an idle connection costs in resident memory, of the
// whole process. Each has asked one question, as a client's does.
func connections(ctx context.Context, o options) ([]series, error) {
	cost := series{what: "resident bytes a connection", unit: "B", note: fmt.Sprintf("%d idle connections, after one request each", o.connections)}
	for range o.runs {
		if err := connectOnce(ctx, o, &cost); err != nil {
			return nil, err
		}
	}
	return []series{cost}, nil
}

func connectOnce(ctx context.Context, o options, cost *series) (err error) {
	s, err := startServer(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	open := make([]net.Conn, 0, o.connections)
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	var before float64
	for len(open) <= o.connections { // the first is not counted: it pays for what all share
		conn, err := s.dial(ctx)
		if err != nil {
			return fmt.Errorf("connection %d: %w", len(open), err)
		}
		open = append(open, conn)
		r := kmsg.NewPtrApiVersionsRequest()
		if _, err := exchange.Ask[*kmsg.ApiVersionsResponse](conn, r); err != nil {
			return fmt.Errorf("connection %d: %w", len(open), err)
		}
		if len(open) == 1 {
			if before, err = process.ResidentBytes(s.pid()); err != nil {
				return err
			}
		}
	}
	if err := wait(ctx, time.Second); err != nil {
		return err
	}
	after, err := process.ResidentBytes(s.pid())
	cost.add((after - before) / float64(o.connections))
	return err
}
