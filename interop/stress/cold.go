package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/interop/command"
)

const (
	coldRate = 1000
	// coldSlowdown is how much longer producers may wait while somebody reads what is not
	// in memory.
	coldSlowdown = 1.5
	// coldReadMax bounds the reading of it all.
	coldReadMax = 2 * time.Hour
)

// cold is a reader of what was written long ago, and producers that go on.
func cold() scenario {
	return scenario{
		name: "cold",
		what: "a reader from the beginning, and producers at a fixed rate",
		prepare: func(s *scene) error {
			if _, err := os.Stat(s.bench); err != nil { // before gigabytes are written for it
				return fmt.Errorf("-bench: %w: make build makes bin/chronik-bench", err)
			}
			return nil
		},
		run: func(s *scene) error {
			if err := s.roomFor(3 * s.gib * gibi); err != nil {
				return err
			}
			for _, name := range []string{"old", "live"} {
				if err := s.create(topic{name: name, partitions: commonPartitions}); err != nil {
					return err
				}
			}
			written, err := s.fill("old", s.gib*gibi)
			if err != nil {
				return err
			}
			plan := s.plan()
			plan.Concurrency, plan.Clients, plan.Rate = commonPartitions, 1, coldRate
			alone, err := s.report(fmt.Sprintf("producers, %d msg/s", coldRate), traffic{topic: "live", plan: plan})
			if err != nil {
				return err
			}
			s.forgetPages()
			return s.readMeanwhile(alone, written)
		},
	}
}

// roomFor refuses what the disk would not hold.
func (s *scene) roomFor(bytes float64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.cluster.Dir, &disk); err != nil {
		return err
	}
	const spare = 1.1 // indexes, and what is written meanwhile
	if free := float64(disk.Bavail) * float64(disk.Bsize); free < spare*bytes {
		return fmt.Errorf("%s has %.1f GiB free, and %.1f are needed: choose a smaller -gib, or another TMPDIR", s.cluster.Dir, free/gibi, spare*bytes/gibi)
	}
	return nil
}

// fill writes so many bytes as fast as they are taken, and says how many records that was.
func (s *scene) fill(name string, bytes float64) (int64, error) {
	s.note("write %.1f GiB to %s", bytes/gibi, name)
	plan := s.plan()
	plan.WarmUp, plan.Duration, plan.Async, plan.Clients, plan.Buffered = 0, asLongAsItTakes, true, 4, 10_000
	plan.Shape.Size = 1024
	m, err := s.carry(traffic{topic: name, plan: plan}.until(bytes))
	if err != nil {
		return 0, err
	}
	if n := failures(m.side(0)); n > 0 {
		return 0, fmt.Errorf("%d records were not written to %s: %v", n, name, m.side(0).Errors)
	}
	return m.Ledger.Acknowledged(), nil
}

// forgetPages has the kernel forget what it has read and written of files.
func (s *scene) forgetPages() {
	err := errors.New("-drop-caches=false")
	if s.dropCaches {
		syscall.Sync() // it keeps what is not on the disk yet
		err = os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0)
	}
	if err != nil {
		s.say("the page cache was not emptied, so that the reader is as cold as memory is small: %v", err)
	}
}

// readMeanwhile has the reader begin once producers have warmed up, and both end when it
// has read everything. It is a process of its own, as consumers are: in one with the
// producers it would have them wait for its decoding as well.
func (s *scene) readMeanwhile(alone measured, written int64) error {
	s.note("read, while producers go on")
	if err := s.meter.Begin(); err != nil {
		return err
	}
	var reader result.Result
	read, failed := make(chan struct{}), make(chan error, 1)
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	go func() {
		defer close(read)
		err := s.wait(warmUp)
		if err == nil {
			reader, err = s.readAll(ctx, "old")
		}
		failed <- err
	}()
	plan := alone.plan
	plan.Duration = asLongAsItTakes
	live, err := s.carry(traffic{topic: "live", plan: plan, early: read})
	if err != nil {
		stop() // nobody is to read on without producers
	}
	if err := errors.Join(err, <-failed); err != nil {
		return err
	}
	if live.usage, err = s.meter.Usage(); err != nil {
		return err
	}
	v, err := s.readBack(&live)
	if err != nil {
		return err
	}
	s.row("producers, with the reader", &live, v)
	records := reader.Sides[0].Records
	s.row("the reader", &measured{Outcome: load.Outcome{Sides: reader.Sides, Seconds: reader.Seconds}}, nil)
	s.say("%d records were written, %d read", written, records)
	if written != records {
		s.breakPromise("%d records were acknowledged, and the reader has read %d", written, records)
	}
	without, with := usualP99(alone.side(0)), usualP99(live.side(0))
	s.say("p99 of each second, median: %.2f ms without the reader, %.2f with it", without, with)
	s.goal("p99 of producers with the reader", with/without, coldSlowdown, " times that without")
	return nil
}

// readAll has chronik-bench read a topic from its beginning to its end.
func (s *scene) readAll(ctx context.Context, name string) (result.Result, error) {
	out, err := command.Run(ctx, command.Line{Limit: coldReadMax, Args: []string{
		s.bench, "--bootstrap-servers", strings.Join(s.cluster.Addrs(), ","),
		"--topic", name, "--mode", "consume", "--duration", coldReadMax.String(), "--format", "json",
	}})
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("%s: exit code %d\n%s", s.bench, out.Code, out.All())
	}
	if err != nil {
		return result.Result{}, err
	}
	var r result.Result
	if err := json.Unmarshal([]byte(out.Stdout), &r); err != nil {
		return r, fmt.Errorf("%s: %w", s.bench, err)
	}
	if len(r.Sides) != 1 {
		return r, fmt.Errorf("%s has measured %d sides of a consumer", s.bench, len(r.Sides))
	}
	return r, nil
}

// usualP99 is that of a usual second. A disk that stands still for a moment, as some do by
// themselves, would decide on that of the whole.
func usualP99(side *result.Side) float64 {
	var of []float64
	for _, second := range side.Over {
		if second.Records == 0 { // they all waited
			second.P99 = math.Inf(1)
		}
		of = append(of, second.P99)
	}
	if len(of) == 0 {
		return math.NaN()
	}
	slices.Sort(of)
	return of[len(of)/2]
}
