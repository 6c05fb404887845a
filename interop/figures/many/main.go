package main

import (
	"context"
	"errors"
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
	server             string
	topics, partitions int
	idle               time.Duration
	keep               bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseOptions(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "many:", err)
		os.Exit(1)
	}
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to measure")
	flag.IntVar(&o.topics, "topics", 10, "how many topics are made")
	flag.IntVar(&o.partitions, "partitions", 1000, "how many partitions each of them has")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "how long the nodes are watched while nobody asks anything of them")
	flag.BoolVar(&o.keep, "keep", false, "keep the nodes' directory and logs")
	flag.Parse()
	return o
}

// checkFiles: each node keeps a file open for each partition, and a tenth of what it may
// have open for all else.
func checkFiles(o options) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if need := uint64(o.topics*o.partitions)*10/9 + 1; limit.Max < need {
		return fmt.Errorf("a node may have %d files open, and needs %d: raise the hard limit (ulimit -Hn), or take fewer partitions", limit.Max, need)
	}
	return nil
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	began := time.Now()
	if err := checkFiles(o); err != nil {
		return err
	}
	fmt.Fprintf(out, "load average before: %s\n", machine.Load())
	s, err := newScene(o, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, step := range []func(context.Context) error{
		s.start, s.settle, s.create, s.settle, s.idle, s.records,
		s.kill(anyNode), s.restart, s.kill(controllerNode), s.restart,
		s.stopInOrder, s.readBack, s.remove,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "load average after: %s; %.0f s in all\n", machine.Load(), time.Since(began).Seconds())
	return nil
}
