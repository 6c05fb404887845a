package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/bench/machine"
)

// options is the command line.
type options struct {
	server      string
	runs        int
	idle        time.Duration
	commits     time.Duration
	connections int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseOptions(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to measure")
	flag.IntVar(&o.runs, "runs", 5, "how often each figure is taken")
	flag.DurationVar(&o.idle, "idle", 10*time.Second, "how long brokers are watched while nobody asks anything of them")
	flag.DurationVar(&o.commits, "commits", 5*time.Second, "how long offsets are committed for")
	flag.IntVar(&o.connections, "connections", 10_000, "idle connections")
	flag.Parse()
	return o
}

// run takes the figures one after the other, each with brokers of its own, so
// that none sees what another has left behind.
func run(ctx context.Context, o options, out io.Writer) error {
	started := time.Now()
	fmt.Fprintf(out, "load average before: %s\n", machine.Load())
	for _, take := range []func(context.Context, options) ([]series, error){
		starts, idleness, connections, commits, clusterStarts, clusterIdleness, clusterLosses,
	} {
		taken, err := take(ctx, o)
		if err != nil {
			return err
		}
		for _, s := range taken {
			fmt.Fprintln(out, s)
		}
	}
	fmt.Fprintf(out, "load average after: %s; %d runs each, %.0f s in all\n", machine.Load(), o.runs, time.Since(started).Seconds())
	return nil
}
