package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/bench/comparison"
)

// compareFlags are the command line of compare as it was given.
type compareFlags struct {
	server, cache       string
	turns, losses       int
	duration, warmUp    seconds
	settle              seconds
	only                []string
	report, json, table string
	withLimits, strict  bool
}

// add adds the flags to a command, in the order that --help shows them in.
func (f *compareFlags) add(c *cobra.Command) {
	f.duration, f.warmUp = seconds(comparison.UsualLength), seconds(comparison.UsualWarmUp)
	f.settle = seconds(2 * time.Second)
	names := comparison.Names(comparison.Shapes(0, 0))
	set := c.Flags()
	set.SortFlags = false
	set.IntVar(&f.turns, "turns", 2, "`number` of turns of each system")
	set.Var(&f.duration, "duration", "`time` to measure each shape for; reading ends when all has been read")
	set.Var(&f.warmUp, "warm-up", "`time` before, which does not count")
	set.Var(&f.settle, "settle", "`time` from a start until idle memory is taken")
	set.StringSliceVar(&f.only, "only", nil, fmt.Sprintf("`shapes` to measure, with commas between them, of %q (default: all)", names))
	set.IntVar(&f.losses, "losses", 5, "`number` of leaders that are killed in each turn, one after the other")
	set.BoolVar(&f.withLimits, "limits", true, "measure before what the machine itself can do, half a minute")
	set.StringVar(&f.server, "server", "", "chronik-server's `file` (default: the one beside chronik-bench)")
	set.StringVar(&f.cache, "cache", filepath.Join(".cache", "interop"), "`directory` that keeps Apache Kafka's jars")
	set.StringVar(&f.report, "report", "", "`file` for figures and plots, as HTML that needs nothing else")
	set.StringVar(&f.json, "json", "", "`file` for everything that was measured")
	set.StringVar(&f.table, "table", "", "`file` for the table, as Markdown")
	set.BoolVar(&f.strict, "strict", false, "exit with 3 if chronik has missed a goal as well")
	must(errors.Join(completeWords(c, "only", names...), c.MarkFlagDirname("cache"), c.MarkFlagFilename("server"),
		c.MarkFlagFilename("report", "html"), c.MarkFlagFilename("json", "json"), c.MarkFlagFilename("table", "md")))
}

// parse makes options of the flags, without systems and what loads them.
func (f *compareFlags) parse() (comparison.Options, error) {
	o := comparison.Options{Title: "chronik and Apache Kafka", Turns: f.turns, Losses: f.losses, Settle: f.settle.duration()}
	switch {
	case f.turns < 1:
		return o, fmt.Errorf("--turns %d: there is one at least", f.turns)
	case f.losses < 1:
		return o, fmt.Errorf("--losses %d: there is one at least; --only without %s leaves them out", f.losses, comparison.Failover)
	case f.duration <= 0:
		return o, fmt.Errorf("--duration %s: nothing can be measured in no time", &f.duration)
	case f.warmUp < 0:
		return o, fmt.Errorf("--warm-up %s: it is 0 or more", &f.warmUp)
	case f.settle < 0:
		return o, fmt.Errorf("--settle %s: it is 0 or more", &f.settle)
	}
	shapes, failover, err := comparison.Choose(comparison.Shapes(f.warmUp.duration(), f.duration.duration()), f.only)
	if err != nil {
		return o, fmt.Errorf("--only: %w", err)
	}
	o.Shapes = shapes
	if !failover {
		o.Losses = 0
	}
	return o, errors.Join(checkFile("report", f.report), checkFile("json", f.json), checkFile("table", f.table))
}

// findServer finds the program that is compared. Nodes have another working directory
// than it is given for.
func (f *compareFlags) findServer() (string, error) {
	path := f.server
	if path == "" {
		own, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("--server is needed: %w", err)
		}
		path = filepath.Join(filepath.Dir(own), "chronik-server")
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.Mode().IsRegular():
		return filepath.Abs(path)
	case f.server == "":
		return "", fmt.Errorf("there is no chronik-server beside chronik-bench, in %s: build both with \"go build -o bin/ ./cmd/...\" and run bin/chronik-bench, "+
			"or give the file by --server", filepath.Dir(path))
	default:
		return "", fmt.Errorf("--server %s: there is no such program; \"go build -o bin/ ./cmd/chronik-server\" makes one", f.server)
	}
}
