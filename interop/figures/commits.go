package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/interop/exchange"
)

// committers commit at the same time, each for a group of its own, the next
// offset as soon as the last is acknowledged.
const committers = 64

// commits takes how many OffsetCommits a second are acknowledged, which is when
// they are on the disk.
func commits(ctx context.Context, o options) ([]series, error) {
	rate := series{what: "OffsetCommit, acknowledged", unit: "/s",
		note: fmt.Sprintf("%d groups, one partition and one commit in flight each, for %s", committers, o.commits)}
	for range o.runs {
		err := withServer(ctx, o, func(s *server, conn net.Conn) error {
			return commitOnce(ctx, s, conn, o.commits, &rate)
		})
		if err != nil {
			return nil, err
		}
	}
	return []series{rate}, nil
}

func commitOnce(ctx context.Context, s *server, conn net.Conn, length time.Duration, rate *series) error {
	if err := errors.Join(createTopic(conn), awaitCoordinator(conn)); err != nil {
		return err
	}
	counts, failures := make([]int, committers), make([]error, committers)
	began := time.Now()
	var running sync.WaitGroup
	for i := range committers {
		running.Go(func() { counts[i], failures[i] = s.commitFor(ctx, length, i) })
	}
	running.Wait()
	took := time.Since(began)
	sum := 0
	for _, n := range counts {
		sum += n
	}
	rate.add(float64(sum) / took.Seconds())
	return errors.Join(failures...)
}

// awaitCoordinator has the offsets topic made.
func awaitCoordinator(conn net.Conn) error {
	for began := time.Now(); time.Since(began) < startMax; {
		r := kmsg.NewPtrFindCoordinatorRequest()
		r.Version, r.CoordinatorKey = 3, groupName(0)
		resp, err := exchange.Ask[*kmsg.FindCoordinatorResponse](conn, r)
		if err != nil || resp.ErrorCode == 0 {
			return err
		}
	}
	return errors.New("no coordinator")
}

func groupName(i int) string { return fmt.Sprint("figures-", i) }

func (s *server) commitFor(ctx context.Context, length time.Duration, i int) (count int, err error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.Generation = 8, groupName(i), -1
	t, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	t.Topic = topic
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	for began := time.Now(); time.Since(began) < length && ctx.Err() == nil; {
		r.Topics[0].Partitions[0].Offset = int64(count)
		resp, err := exchange.Ask[*kmsg.OffsetCommitResponse](conn, r)
		if err != nil {
			return count, err
		}
		switch err := kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode); {
		case err == nil:
			count++
		case !kerr.IsRetriable(err):
			return count, err
		}
	}
	return count, nil
}
