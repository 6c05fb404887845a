package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/sim"
)

// totals are what came of many seeds.
type totals struct {
	began  time.Time
	seeds  uint64
	stats  sim.Stats
	traces uint64 // of all hashes, in whatever order the seeds ended
	broken []sim.Result

	slowest     uint64 // a seed
	slowestTook time.Duration
}

func (t *totals) add(o outcome) {
	r := o.Result
	t.seeds++
	t.stats.Add(r.Stats)
	t.traces += r.Hash ^ r.Seed*0x9e3779b97f4a7c15
	if o.Took > t.slowestTook {
		t.slowest, t.slowestTook = r.Seed, o.Took
	}
	if r.Violation != nil {
		t.broken = append(t.broken, r)
	}
}

// sequence hands seeds out, one after another.
type sequence struct {
	ctx  context.Context
	o    options
	next uint64
	ends time.Time // zero: not by time
}

func newSequence(ctx context.Context, o options) *sequence {
	s := &sequence{ctx: ctx, o: o, next: o.from}
	if o.during > 0 {
		s.ends = time.Now().Add(o.during)
	}
	return s
}

func (s *sequence) take() (job, bool) {
	switch {
	case s.ctx.Err() != nil,
		s.o.seeds > 0 && s.next-s.o.from >= s.o.seeds,
		!s.ends.IsZero() && time.Now().After(s.ends):
		return job{}, false
	}
	s.next++
	return job{Seed: s.next - 1, Plant: s.o.plant, Calm: s.o.calm}, true
}

// runSeeds runs seeds and reports on them.
func runSeeds(ctx context.Context, o options, out, log io.Writer) (kept bool, err error) {
	p := pool{workers: o.workers, log: log}
	s := newSequence(ctx, o)
	t := totals{began: time.Now()}
	line := newProgress(log)
	err = p.run(func() (job, bool) {
		if o.stop && len(t.broken) > 0 {
			return job{}, false
		}
		return s.take()
	}, func(_ job, oc outcome) {
		t.add(oc)
		line.set(t.describe(o))
	})
	line.end()
	if err != nil {
		return false, err
	}
	slices.SortFunc(t.broken, func(a, b sim.Result) int { return cmp.Compare(a.Seed, b.Seed) })
	return len(t.broken) == 0, t.report(out, o, p.cpu)
}

// describe is the line that shows how far it is.
func (t *totals) describe(o options) string {
	took := time.Since(t.began)
	rate := float64(t.seeds) / took.Seconds()
	text := fmt.Sprintf("%s seeds", grouped(t.seeds))
	if o.seeds > 0 {
		text = fmt.Sprintf("%s of %s seeds", grouped(t.seeds), grouped(o.seeds))
	}
	return fmt.Sprintf("%s, %d broken, %.0f a second, %s", text, len(t.broken), rate, took.Round(time.Second))
}
