package comparison

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// turn is one system's.
type turn struct {
	*run
	system  int
	name    string
	cluster Cluster
}

func (t *turn) take(ctx context.Context) (err error) {
	t.next("start")
	if t.cluster, err = t.Systems[t.system].Cluster(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.cluster.Close()) }()
	defer func() {
		if ctx.Err() != nil {
			err = context.Cause(ctx) // from which all other errors follow
		}
	}()
	took, err := t.cluster.Start(ctx)
	if err != nil {
		return err
	}
	t.add(t.system, startLine(), took.Seconds())
	if err := t.rest(ctx); err != nil {
		return err
	}
	for i, s := range t.Shapes {
		t.next(s.Name)
		if i > 0 && !s.Reads {
			if err := t.cluster.Settle(ctx); err != nil {
				return err
			}
		}
		if err := t.measure(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		t.left -= s.least()
	}
	return t.lose(ctx)
}

func (t *turn) next(what string) {
	if t.Progress != nil {
		t.Progress(t.name+": "+what, t.left)
	}
}

// rest takes the memory of nodes that have nothing to do.
func (t *turn) rest(ctx context.Context) error {
	select {
	case <-time.After(t.Settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	u, err := t.cluster.Usage()
	if err != nil {
		return err
	}
	t.left -= t.Settle
	t.add(t.system, idleLine(), megabytes(u.ResidentBytes))
	return nil
}

// measure loads the nodes with a shape. What was cut short is worth nothing.
func (t *turn) measure(ctx context.Context, s Shape) error {
	var found result.Result
	var failure error
	looks, err := watched(t.cluster, func() { found, failure = t.Load(ctx, t.cluster.Bootstrap(), s) })
	if err := errors.Join(failure, err, ctx.Err()); err != nil {
		return err
	}
	found.Name = s.Name
	l := loaded{Result: found}
	l.used = between(looks, l.Started, l.Started.Add(time.Duration(l.Seconds*float64(time.Second))))
	for _, line := range s.lines {
		value, known := line.of(l)
		if !known {
			return fmt.Errorf("nothing was measured of %q", line.what)
		}
		t.add(t.system, line, value)
	}
	t.found.Runs = append(t.found.Runs, report.Run{System: t.found.Systems[t.system].Name, Result: found})
	return nil
}

// lose kills leaders, one after the other.
func (t *turn) lose(ctx context.Context) error {
	var gaps []float64
	for number := 1; number <= t.Losses; number++ {
		t.next(fmt.Sprintf("kill -9 of a leader, %d of %d", number, t.Losses))
		gap, err := t.cluster.LoseLeader(ctx)
		if err != nil {
			return fmt.Errorf("loss of a leader: %w", err)
		}
		gaps = append(gaps, gap.Seconds())
	}
	if n := len(gaps); n > 0 {
		slices.Sort(gaps)
		t.add(t.system, medianGapLine(n), (gaps[(n-1)/2]+gaps[n/2])/2)
		t.add(t.system, longestGapLine(n), gaps[n-1])
	}
	return nil
}
