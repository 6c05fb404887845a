package comparison

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/bench/limits"
	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// Options are what is compared, and how.
type Options struct {
	Title   string
	Systems []System // the first is what the others are compared with
	Shapes  []Shape
	Turns   int           // of each system
	Settle  time.Duration // from the start to when memory is taken
	Losses  int           // of leaders, in each turn; 0: none
	Load    Load
	Machine func() result.Machine // describes it as it is now, with LoadStart
	Limits  limits.Limits         // the machine's; its Cores are 0 where they were not measured
	// Progress is told what comes next, and how long all takes still, at the least; nil:
	// nobody is.
	Progress func(what string, left time.Duration)
}

func (o *Options) check() error {
	switch {
	case len(o.Systems) < 2:
		return fmt.Errorf("%d systems: a comparison is of two or more", len(o.Systems))
	case o.Turns < 1:
		return fmt.Errorf("%d turns: there is one at least", o.Turns)
	case o.Losses < 0:
		return fmt.Errorf("%d losses of leaders: there are 0 or more", o.Losses)
	}
	return nil
}

// run is a comparison that is being made.
type run struct {
	Options
	found report.Comparison
	left  time.Duration // at the least
}

// Run makes a comparison. Where that fails, it returns what was found until then as well as
// the error; the context ends it.
func Run(ctx context.Context, o Options) (report.Comparison, error) {
	if err := o.check(); err != nil {
		return report.Comparison{}, err
	}
	r := &run{Options: o}
	if err := r.begin(ctx); err != nil {
		return report.Comparison{}, err
	}
	err := r.takeTurns(ctx)
	if err != nil {
		r.found.Unfinished = strings.TrimSuffix(err.Error(), ".") // it stands in a sentence
	}
	r.found.Machine.LoadEnd = o.Machine().LoadStart
	return r.found, err
}

// begin describes what is going to be measured.
func (r *run) begin(ctx context.Context) error {
	r.found = report.Comparison{Title: r.Title, Date: time.Now(), Machine: r.Machine(), Notes: r.notes()}
	for _, s := range r.Systems {
		described, err := s.Describe(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(r.found.Systems, func(other report.System) bool { return other.Name == described.Name }) {
			return fmt.Errorf("two systems are called %s", described.Name)
		}
		r.found.Systems = append(r.found.Systems, described)
	}
	for _, s := range r.Shapes {
		r.addRows(s.lines...)
		r.addCeilings(s)
	}
	if r.Limits.Cores > 0 {
		for _, l := range r.Limits.Lines() {
			r.found.Limits = append(r.found.Limits, report.Limit(l))
		}
	}
	r.addRows(startLine(), idleLine())
	if r.Losses > 0 {
		r.addRows(medianGapLine(r.Losses), longestGapLine(r.Losses))
	}
	return nil
}

func (r *run) notes() []string {
	return []string{
		fmt.Sprintf("Systems took turns, %d each; every turn began with three new nodes on empty directories, and ended with them. "+
			"Before each shape that writes, what earlier ones have written was synced and given up by the page cache. "+
			"Clients ran on the same machine as the nodes, and had no more of it than those left.", r.Turns),
		"Memory is resident memory, of the node that has most. Processor time is of all three nodes, user and system, in the measured time only.",
		"A time without an acknowledgement is between two acknowledgements of one client that asks all nodes, and each again after a millisecond: " +
			"it is the nodes' own, to which client libraries add theirs. Of each loss it is the longest; the leader that is killed is not the controller.",
		"The ceiling is what all cores can move at most, and the disk where the system syncs before it acknowledges, " +
			"with the client and all nodes on this machine: there is no request, no batch and no index in it, so that nothing reaches it.",
	}
}

func (r *run) addRows(lines ...line) {
	for _, l := range lines {
		r.found.Rows = append(r.found.Rows, report.Row{
			What: l.what, Unit: l.unit, Better: l.better, Goals: l.goals, Values: make([][]float64, len(r.Systems)),
		})
	}
}

// add adds a system's value to the row of a line.
func (r *run) add(system int, l line, value float64) {
	row := r.row(l)
	row.Values[system] = append(row.Values[system], value)
}

// turnLength is how long a turn takes at the least: what is known of it before.
func (r *run) turnLength() time.Duration {
	long := r.Settle
	for _, s := range r.Shapes {
		long += s.least()
	}
	return long
}

// addCeilings adds to a shape's rows what the machine allows of it.
func (r *run) addCeilings(s Shape) {
	for _, l := range s.lines {
		if !l.bounded || r.Limits.Ceiling.Unsynced == 0 {
			continue
		}
		row := r.row(l)
		for _, system := range r.found.Systems {
			bytes := r.Limits.Ceiling.Unsynced
			if system.Synced {
				bytes = r.Limits.Ceiling.Synced
			}
			row.Ceilings = append(row.Ceilings, bytes*1e6/float64(s.RecordBytes))
		}
	}
}

// row is the one of a line.
func (r *run) row(l line) *report.Row {
	i := slices.IndexFunc(r.found.Rows, func(row report.Row) bool { return row.What == l.what })
	return &r.found.Rows[i] // it was added at the beginning
}

func (r *run) takeTurns(ctx context.Context) error {
	r.left = time.Duration(r.Turns*len(r.Systems)) * r.turnLength()
	for number := 1; number <= r.Turns; number++ {
		for i, s := range r.found.Systems {
			t := turn{run: r, system: i, name: fmt.Sprintf("turn %d of %d, %s", number, r.Turns, s.Name)}
			if err := t.take(ctx); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	return nil
}
