package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/bench/machine"
)

// options is the command line.
type options struct {
	server     string
	bench      string
	target     string
	cache      string
	only       []string
	length     time.Duration
	gib        float64
	share      float64
	dropCaches bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stress:", err)
		os.Exit(1)
	}
}

const examples = `
Examples:
  # everything, with 20 seconds each and 10 GiB for the cold reader (30 GiB of disk)
  stress -server bin/chronik-server

  # two scenarios, quickly and small: a tenth of the partitions and so on
  stress -only partitions,cold -seconds 3 -gib 0.2 -share 0.1

  # the same of Apache Kafka, which is installed where it is missing
  stress -target kafka -only partitions

Exit code: 0 all promises were kept, whatever the figures are; 1 one was not, or a
scenario could not be carried out.
`

func parseOptions(args []string) (options, error) {
	var o options
	var only string
	var seconds float64
	set := flag.NewFlagSet("stress", flag.ContinueOnError)
	set.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to put under stress")
	set.StringVar(&o.bench, "bench", "bin/chronik-bench", "the chronik-bench that is the cold reader")
	set.StringVar(&o.target, "target", "chronik", "whose nodes: chronik or kafka")
	set.StringVar(&o.cache, "cache", ".cache/interop", "directory that keeps what is installed")
	set.StringVar(&only, "only", "", "scenarios, by comma (empty: all)")
	set.Float64Var(&seconds, "seconds", 20, "how long each load is measured")
	set.Float64Var(&o.gib, "gib", 10, "how much the cold reader reads, in GiB; three times that on the disk")
	set.Float64Var(&o.share, "share", 1, "of the partitions, producers, connections and readers: 0.1 is a tenth of each")
	set.BoolVar(&o.dropCaches, "drop-caches", true, "empty the machine's page cache before the cold reader, where that is allowed")
	set.Usage = func() {
		out := set.Output()
		fmt.Fprintln(out, "stress puts three nodes under stress, one scenario after the other:")
		fmt.Fprintln(out)
		for _, s := range scenarios() {
			fmt.Fprintf(out, "  %-12s %s\n", s.name, s.what)
		}
		fmt.Fprintln(out, "\nFlags:")
		set.PrintDefaults()
		fmt.Fprint(out, examples)
	}
	if err := set.Parse(args); err != nil {
		return o, err
	}
	o.length = time.Duration(seconds * float64(time.Second))
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	return o, o.check()
}

func (o *options) check() error {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-only %s: it is one of %s", name, strings.Join(names, ", "))
		}
	}
	switch {
	case o.target != "chronik" && o.target != "kafka":
		return fmt.Errorf("-target %s: it is chronik or kafka", o.target)
	case o.length < time.Second:
		return fmt.Errorf("-seconds %g: it is 1 or more", o.length.Seconds())
	case o.gib <= 0:
		return fmt.Errorf("-gib %g: there is something to read", o.gib)
	case o.share <= 0:
		return fmt.Errorf("-share %g: it is more than 0", o.share)
	default:
		return nil
	}
}

// of is the share of a number, 1 at least.
func (o *options) of(n int) int { return max(1, int(float64(n)*o.share)) }

// run carries the scenarios out one after the other, each although one before has failed.
func run(ctx context.Context, o options, out io.Writer) error {
	fmt.Fprintf(out, "%s; load average %s\n", o.target, machine.Load())
	var failed []string
	for _, s := range scenarios() {
		if o.only != nil && !slices.Contains(o.only, s.name) {
			continue
		}
		err := perform(ctx, o, s, out)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			fmt.Fprintf(out, "  FAILED: %s\n", err)
			failed = append(failed, s.name)
		}
	}
	fmt.Fprintf(out, "load average %s\n", machine.Load())
	if failed != nil {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}
