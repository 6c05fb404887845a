package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/sim"
)

// hunt is the search for one planted bug: seeds in order, until one breaks with
// the bug that does not break without.
type hunt struct {
	seeds   *sequence
	found   *sim.Result // of the lowest seed that found it
	genuine []sim.Result
}

// search runs the seeds.
func (h *hunt) search(p *pool, line *progress) error {
	return p.run(h.next, func(_ job, o outcome) {
		h.add(o)
		line.set(fmt.Sprintf("%s: %s seeds", h.seeds.o.plant, grouped(h.seeds.next-h.seeds.o.from)))
	})
}

func (h *hunt) next() (job, bool) {
	if h.found != nil {
		return job{}, false // lower seeds are under way: they count if they find it
	}
	return h.seeds.take()
}

func (h *hunt) add(o outcome) {
	r := o.Result
	switch {
	case o.Unplanted != nil:
		r.Violation = o.Unplanted
		h.genuine = append(h.genuine, r)
	case r.Violation != nil && (h.found == nil || r.Seed < h.found.Seed):
		h.found = &r
	}
}

// huntOne looks for one planted bug.
func huntOne(ctx context.Context, o options, out, log io.Writer) (found bool, err error) {
	h := hunt{seeds: newSequence(ctx, o)}
	line := newProgress(log)
	err = h.search(&pool{workers: o.workers, log: log}, line)
	line.end()
	if err != nil {
		return false, err
	}
	var b strings.Builder
	tellGenuine(&b, h.genuine, o)
	if h.found == nil {
		fmt.Fprintf(&b, "%s: not found in %s seeds from %d\n", o.plant, grouped(h.seeds.next-o.from), o.from)
	} else {
		r := h.found
		fmt.Fprintf(&b, "%s: found after %s seeds, by seed %d\n  %v\n  %s\n  %s\n",
			o.plant, grouped(r.Seed-o.from+1), r.Seed, r.Violation, r.Plan, replayCommand(r.Seed, o))
	}
	_, err = io.WriteString(out, b.String())
	return h.found != nil && len(h.genuine) == 0, err
}

// huntAll looks for every planted bug in turn, and prints a row each.
func huntAll(ctx context.Context, o options, out, log io.Writer) (found bool, err error) {
	began := time.Now()
	missing, seeds := 0, uint64(0)
	var genuine []sim.Result
	if _, err := fmt.Fprintf(out, "%-*s  %-24s  %8s  %8s\n", plantWidth(), "planted bug", "found by", "seed", "seeds"); err != nil {
		return false, err
	}
	line := newProgress(log)
	for _, row := range plant.Table() {
		of := o
		of.plant = row.Bug
		h := hunt{seeds: newSequence(ctx, of)}
		err := h.search(&pool{workers: o.workers, log: log}, line)
		line.end()
		if err != nil {
			return false, err
		}
		seeds += h.seeds.next - o.from
		genuine = append(genuine, h.genuine...)
		if h.found == nil {
			missing++
		}
		if _, err := io.WriteString(out, h.row(row.Bug, o.from)); err != nil {
			return false, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	var b strings.Builder
	tellGenuine(&b, genuine, o)
	fmt.Fprintf(&b, "\n%d planted bugs, %d not found, %s seeds in %s\n", len(plant.Table()), missing, grouped(seeds), time.Since(began).Round(time.Second))
	_, err = io.WriteString(out, b.String())
	return missing == 0 && len(genuine) == 0 && ctx.Err() == nil, err
}

func (h *hunt) row(b plant.Bug, from uint64) string {
	by, seed, needed := "NOT FOUND", "", h.seeds.next-from
	if h.found != nil {
		by, seed, needed = h.found.Violation.Checker, fmt.Sprint(h.found.Seed), h.found.Seed-from+1
	}
	return fmt.Sprintf("%-*s  %-24s  %8s  %8s\n", plantWidth(), b, by, seed, grouped(needed))
}

// tellGenuine tells of the seeds that break without a planted bug.
func tellGenuine(b *strings.Builder, genuine []sim.Result, o options) {
	o.plant = ""
	for _, r := range genuine {
		fmt.Fprintf(b, "\nseed %d breaks %v, with no bug planted\n  %s\n  %s\n", r.Seed, r.Violation, r.Plan, replayCommand(r.Seed, o))
	}
}
