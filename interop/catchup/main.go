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
	"github.com/chronik/chronik/interop/cluster"
)

const (
	// bulk is the topic of which the absent node misses everything, live the one that a
	// client goes on writing to.
	bulk, live = "bulk", "live"
	absent     = 3
	// phase is how long the client is watched while nothing happens, and stillLength
	// how long the node stands still.
	phase       = 10 * time.Second
	stillLength = 5 * time.Second
)

func main() {
	server := flag.String("server", "bin/chronik-server", "the chronik-server to measure")
	gib := flag.Float64("gib", 10, "how much the node misses, in GiB")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, *server, int64(*gib*(1<<30)), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "catchup:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, server string, bytes int64, out io.Writer) (err error) {
	c, err := cluster.Chronik(server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(err != nil)) }()
	if err := c.Start(ctx, 1, 2, 3); err != nil {
		return err
	}
	v, err := cluster.NewView(c)
	if err != nil {
		return err
	}
	defer v.Close()
	w, err := newWriter(ctx, c.Addrs())
	if err != nil {
		return err
	}
	defer w.close()
	nodes := []int{1, 2, 3}
	for _, topic := range []string{bulk, live} {
		if _, err := v.AwaitTopic(ctx, topic, nodes, cluster.Whole); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "load average %s\n", machine.Load())
	w.start()
	r := run{ctx: ctx, out: out, c: c, v: v, w: w}
	err = r.steps(bytes)
	return errors.Join(err, w.stop(), r.readBack())
}
