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
	server string
	target string
	client string
	cache  string
	kinds  []string
	trials int
	keep   bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, parseOptions(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

func parseOptions() options {
	var o options
	var only string
	flag.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to measure")
	flag.StringVar(&o.target, "target", "chronik", "what to measure: chronik or kafka")
	flag.StringVar(&o.client, "client", "both", "who measures: java, franz or both")
	flag.StringVar(&o.cache, "cache", ".cache/interop", "directory that keeps what is installed")
	flag.StringVar(&only, "kinds", "", "kinds of faults, by comma (empty: all): "+strings.Join(kindNames(), ", "))
	flag.IntVar(&o.trials, "trials", 20, "how often each kind of fault strikes")
	flag.BoolVar(&o.keep, "keep", false, "keep the nodes' directories and logs")
	flag.Parse()
	if only != "" {
		o.kinds = strings.Split(only, ",")
	}
	return o
}

func kindNames() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func (o options) check() error {
	for _, name := range o.kinds {
		if !slices.Contains(kindNames(), name) {
			return fmt.Errorf("-kinds: no kind %q; there are: %s", name, strings.Join(kindNames(), ", "))
		}
	}
	switch {
	case o.target == "kafka" && slices.Contains(o.kinds, "leader cut off"):
		return errors.New("-target kafka: its nodes have no networks of their own that could be cut; leave \"leader cut off\" out of -kinds")
	case !slices.Contains([]string{"chronik", "kafka"}, o.target):
		return fmt.Errorf("-target %s: chronik or kafka", o.target)
	case !slices.Contains([]string{"java", "franz", "both"}, o.client):
		return fmt.Errorf("-client %s: java, franz or both", o.client)
	case o.trials < 1:
		return errors.New("-trials: at least 1")
	}
	return nil
}

// measure starts a cluster, strikes it in turn with each kind, and prints what came out,
// also of a run that could not be brought to its end.
func measure(ctx context.Context, o options, out io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	r, err := newRun(ctx, o, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close(err != nil || o.keep)) }()
	began := time.Now()
	fmt.Fprintf(out, "%s, nodes in %s, load average %s\n", o.target, r.cluster.Dir, machine.Load())
	err = r.strikeAll(ctx)
	table(out, r.series)
	fmt.Fprintf(out, "%d records acknowledged, %d read back and compared; %.0f s, load average %s\n",
		r.acknowledged, r.read, time.Since(began).Seconds(), machine.Load())
	return err
}
