package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/bench/machine"
)

const examples = `
Examples:
  guard -base main                                  all benchmarks of what has changed since main
  guard -base HEAD -bench 'Produce|Commit' -runs 10 before a commit, some of them
  guard -base HEAD~3 -packages ./internal/storage   one package against three commits ago

Exit status: 0 where nothing has grown, 1 where something has, 2 where it could not be told.
`

// errGrown is the answer that is told by the exit status.
var errGrown = errors.New("something has grown")

// options is the command line.
type options struct {
	base     string
	packages string
	bench    *regexp.Regexp
	runs     int
	length   string // as go test takes it
	same     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(flag.CommandLine, os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "guard:", err)
	if errors.Is(err, errGrown) {
		os.Exit(1)
	}
	os.Exit(2)
}

func parseOptions(set *flag.FlagSet, args []string) (options, error) {
	var o options
	set.StringVar(&o.base, "base", "", "the `commit` to compare with")
	set.StringVar(&o.packages, "packages", "./internal/...", "the `packages` whose benchmarks are run")
	bench := set.String("bench", ".", "a `regexp` of benchmarks, as go test takes it")
	set.IntVar(&o.runs, "runs", 6, "how often each benchmark is run, of each of the two")
	set.StringVar(&o.length, "benchtime", "100ms", "how long each time, or how often (100x)")
	set.BoolVar(&o.same, "same", false, "run also packages that have not changed, to see the noise")
	usage := set.Usage
	set.Usage = func() {
		usage()
		fmt.Fprint(set.Output(), examples)
	}
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if o.base == "" {
		return o, errors.New("-base: give a commit to compare with, such as main or HEAD")
	}
	if o.runs < runsMin {
		return o, fmt.Errorf("-runs %d: fewer than %d tell nothing", o.runs, runsMin)
	}
	var err error
	if o.bench, err = regexp.Compile(*bench); err != nil {
		return o, fmt.Errorf("-bench: %w", err)
	}
	return o, nil
}

// run compares, and returns errGrown where something has.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "guard-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now()
	base, remove, err := checkOut(ctx, o.base, filepath.Join(dir, "base"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	pairs, err := build(ctx, o, base, dir, out)
	if err != nil {
		return err
	}
	if len(pairs) == 0 {
		return nil
	}
	fmt.Fprintf(out, "built in %s; load average %s\n", time.Since(began).Round(time.Second), machine.Load())
	before, after, err := measure(ctx, o, pairs, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "load average afterwards %s\n\n", machine.Load())
	found := compare(before, after)
	if len(found) == 0 {
		return errors.New("no benchmark is in both: nothing was compared")
	}
	write(out, found, o.runs)
	for _, c := range found {
		if c.grown() {
			return errGrown
		}
	}
	return nil
}
