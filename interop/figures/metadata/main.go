package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/bench/machine"
)

// options is the command line.
type options struct {
	partitions, perTopic, brokers int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.IntVar(&o.partitions, "partitions", 1_000_000, "how many partitions there are")
	flag.IntVar(&o.perTopic, "per-topic", 1000, "how many of them a topic has")
	flag.IntVar(&o.brokers, "brokers", 30, "how many brokers have them")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "metadata:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	began := time.Now()
	fmt.Fprintf(out, "load average before: %s\n", machine.Load())
	dir, err := os.MkdirTemp("", "chronik-metadata-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := scene{o: o, out: out, dir: dir}
	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, step := range []func(context.Context) error{s.fill, s.snapshot, s.reopen, s.commands, s.failover} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "load average after: %s; %.0f s in all\n", machine.Load(), time.Since(began).Seconds())
	return nil
}

// line prints a figure.
func (s *scene) line(what, format string, args ...any) {
	fmt.Fprintf(s.out, "%-62s %s\n", what, fmt.Sprintf(format, args...))
}

// timed measures a step, with the processor time of this process, and prints it.
func (s *scene) timed(what string, do func() error) error {
	before, began := processor(), time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.line(what, "%9.1f ms   CPU %9.1f ms", milliseconds(time.Since(began)), milliseconds(processor()-before))
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// processor is the processor time of this process so far.
func processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// heap is what lives, in bytes.
func heap() float64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
