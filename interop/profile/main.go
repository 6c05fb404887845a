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
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/bench/machine"
)

const examples = `
Examples:
  profile -shape callers                      128 callers that wait, for 10 s
  profile -shape large -seconds 30 -out large what 1 KiB records cost, kept in ./large
  go tool pprof -http=: large/node*.cpu.pprof looked at in a browser afterwards
`

// options is the command line.
type options struct {
	server string
	shape  shape
	length time.Duration
	dir    string
}

func main() {
	o, err := parseOptions(flag.CommandLine, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func parseOptions(set *flag.FlagSet, args []string) (options, error) {
	var o options
	set.StringVar(&o.server, "server", "bin/chronik-server", "the `chronik-server` to look at")
	name := set.String("shape", "callers", "what the load is like, a `name`:\n"+shapeLines())
	seconds := set.Int("seconds", 10, "how long costs are counted, and profiles taken afterwards; waits and system calls take a third of it each")
	set.StringVar(&o.dir, "out", "", "the `directory` where profiles are kept (default: .cache/profile/SHAPE)")
	usage := set.Usage
	set.Usage = func() {
		usage()
		fmt.Fprint(set.Output(), examples)
	}
	if err := set.Parse(args); err != nil {
		return o, err
	}
	var known bool
	if o.shape, known = shapeNamed(*name); !known {
		return o, fmt.Errorf("-shape %s: there is no such shape; there are\n%s", *name, shapeLines())
	}
	if *seconds < 1 {
		return o, fmt.Errorf("-seconds %d: it is 1 or more", *seconds)
	}
	o.length = time.Duration(*seconds) * time.Second
	if o.dir == "" {
		o.dir = filepath.Join(".cache", "profile", o.shape.name)
	}
	return o, nil
}

// run loads a cluster, looks at it, and reports what it has seen.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	kept, err := os.Create(filepath.Join(o.dir, "report.txt"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	out = io.MultiWriter(out, kept)
	fmt.Fprintf(out, "shape %s: %s; load average %s\n", o.shape.name, o.shape.what, machine.Load())
	found, err := look(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "load average afterwards %s\n\n", machine.Load())
	found.write(out)
	return printTops(ctx, o.dir, out)
}
