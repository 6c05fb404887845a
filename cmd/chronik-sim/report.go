package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/sim"
)

// row is a line of the table of what happened.
type row struct {
	what  string
	count int
}

// happened is the table, by what it is about.
func happened(s sim.Stats) []row {
	return []row{
		{"faults at random moments", s.Faults},
		{"faults that lay in wait", s.Ambushes},
		{"crashes", s.Crashes},
		{"stops in order", s.CleanStops},
		{"batches lost in power losses", s.LostBatches},
		{"disks emptied", s.EmptiedDisks},
		{"disks failed or full", s.DiskErrors},
		{"batches rotten", s.RottenBatches},
		{"  of them found", s.RottenFound},
		{"messages lost", s.LostMessages},
		{"streams broken", s.BrokenStreams},
		{"controllers", s.Controllers},
		{"changes of the quorum's members", s.MemberChanges},
		{"partitions moved", s.Moves},
		{"throttled sends held back", s.HeldBack},
		{"unclean elections", s.UncleanElections},
		{"batches given up by them", s.GivenUp},
		{"brokers fenced", s.Fenced},
		{"elections of leaders", s.Elections},
		{"truncations of something", s.Truncations},
		{"in-sync sets proposed", s.Proposals},
		{"  of them changed", s.ISRChanges},
		{"members lost", s.LostMembers},
		{"  of them readmitted", s.Readmitted},
		{"batches acknowledged", s.Acked},
		{"  compared with what is committed", s.Compared},
		{"batches read", s.Reads},
		{"events", s.Events},
	}
}

// report writes what happened, and each promise that was broken.
func (t *totals) report(out io.Writer, o options, cpu time.Duration) error {
	var b strings.Builder
	for _, r := range happened(t.stats) {
		fmt.Fprintf(&b, "%-36s %14s\n", r.what, grouped(uint64(r.count)))
	}
	took := time.Since(t.began)
	fmt.Fprintf(&b, "%-36s %14.1f\n", "virtual hours", t.stats.Virtual.Hours())
	if t.seeds > 0 && cpu > 0 {
		fmt.Fprintf(&b, "%-36s %14.2f\n", "virtual hours a CPU second", t.stats.Virtual.Hours()/cpu.Seconds())
		fmt.Fprintf(&b, "%-36s %14.1f\n", "CPU milliseconds a seed", cpu.Seconds()*1000/float64(t.seeds))
	}
	fmt.Fprintf(&b, "%-36s %14s (seed %d)\n", "slowest seed", t.slowestTook.Round(time.Millisecond), t.slowest)
	fmt.Fprintf(&b, "%-36s %16x\n", "all traces", t.traces)
	for _, r := range t.broken {
		fmt.Fprintf(&b, "\nseed %d breaks %v\n  %s\n  %s\n", r.Seed, r.Violation, r.Plan, replayCommand(r.Seed, o))
	}
	fmt.Fprintf(&b, "\n%s seeds from %d in %s: %d broken\n", grouped(t.seeds), o.from, took.Round(time.Millisecond), len(t.broken))
	_, err := io.WriteString(out, b.String())
	return err
}

// replayCommand is what shows a seed's story.
func replayCommand(seed uint64, o options) string {
	tags, more := "", ""
	if o.plant != "" {
		tags, more = "-tags plant ", " -plant "+string(o.plant)
	}
	if o.calm {
		more += " -calm"
	}
	return fmt.Sprintf("go run %s./cmd/chronik-sim%s -replay %d", tags, more, seed)
}

// grouped writes a number with a comma at every thousand.
func grouped(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// listPlants lists the bugs that can be planted.
func listPlants(out io.Writer) error {
	var b strings.Builder
	for _, r := range plant.Table() {
		fmt.Fprintf(&b, "%-*s  %s\n", plantWidth(), r.Bug, r.What)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// plantWidth is that of the longest name.
func plantWidth() int {
	width := 0
	for _, r := range plant.Table() {
		width = max(width, len(r.Bug))
	}
	return width
}
