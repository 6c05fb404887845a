package main

import (
	"context"
	"net"
	"time"

	"github.com/chronik/chronik/interop/exchange"
)

// starts takes the time from exec on an empty directory to the first record that
// is acknowledged with acks=-1, with the creation of its topic in between.
func starts(ctx context.Context, o options) ([]series, error) {
	listening := series{what: "exec to the first connection", unit: "ms"}
	acknowledged := series{what: "exec to the first acknowledged record", unit: "ms", note: "acks=-1, its topic made on the way"}
	batch := exchange.Batch(1, 100)
	for range o.runs {
		err := withServer(ctx, o, func(s *server, conn net.Conn) error {
			listening.add(milliseconds(time.Since(s.began)))
			if err := createTopic(conn); err != nil {
				return err
			}
			if err := exchange.Produce(conn, topic, batch); err != nil {
				return err
			}
			acknowledged.add(milliseconds(time.Since(s.began)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []series{listening, acknowledged}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
