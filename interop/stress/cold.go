package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/chronik/chronik/internal/bench/load"
)

const (
	coldRate = 1000
	// coldSlowdown is how much longer producers may wait while somebody reads what is not
	// in memory.
	coldSlowdown = 1.5
)

// cold is a reader of what was written long ago, and producers that go on.
func cold() scenario {
	return scenario{
		name: "cold",
		what: "a reader from the beginning, and producers at a fixed rate",
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
// has read everything.
func (s *scene) readMeanwhile(alone measured, written int64) error {
	s.note("read, while producers go on")
	if err := s.meter.Begin(); err != nil {
		return err
	}
	var reader measured
	read, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(read)
		err := s.wait(warmUp)
		if err == nil {
			plan := s.plan()
			plan.Mode, plan.WarmUp, plan.Duration = load.Consume, 0, asLongAsItTakes
			reader, err = s.carry(traffic{topic: "old", plan: plan})
		}
		failed <- err
	}()
	plan := alone.plan
	plan.Duration = asLongAsItTakes
	live, err := s.carry(traffic{topic: "live", plan: plan, early: read})
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
	s.row("the reader", &reader, nil)
	s.say("%d records were written, %d read", written, reader.side(0).Records)
	if written != reader.side(0).Records {
		s.breakPromise("%d records were acknowledged, and the reader has read %d", written, reader.side(0).Records)
	}
	s.goal("p99 of producers with the reader", live.side(0).Latency.P99/alone.side(0).Latency.P99, coldSlowdown, " times that without")
	return nil
}
