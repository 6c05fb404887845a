package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/install"
	"github.com/chronik/chronik/interop/kafka"
)

// options is the command line.
type options struct {
	server string
	cache  string
	keep   bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, parseOptions())
	if err != nil {
		fmt.Fprintln(os.Stderr, "acceptance:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to start")
	flag.StringVar(&o.cache, "cache", ".cache/interop", "directory that keeps what is installed")
	flag.BoolVar(&o.keep, "keep", false, "keep the nodes' directories and logs")
	flag.Parse()
	return o
}

// acceptance is what the phases share.
type acceptance struct {
	tools   *kafka.Tools
	cluster *cluster.Cluster
	view    *cluster.View
	report  *checks.Report
}

// run goes through the phases, in order, on one cluster; it returns how many checks
// failed. The nodes' directories are kept where one did.
func run(ctx context.Context, o options) (failed int, err error) {
	place, err := install.NewPlace(o.cache)
	if err != nil {
		return 0, err
	}
	a := &acceptance{report: checks.NewReport(os.Stdout)}
	if a.tools, err = kafka.Install(ctx, place); err != nil {
		return 0, err
	}
	// Debug has the lines that are of each request; the command line stays as it is.
	if a.cluster, err = cluster.Chronik(o.server, "CHRONIK_LOG_LEVEL=debug"); err != nil {
		return 0, err
	}
	defer func() {
		keep := o.keep || failed > 0
		if keep {
			fmt.Println("kept", a.cluster.Dir)
		}
		err = errors.Join(err, a.cluster.Close(keep))
	}()
	if a.view, err = cluster.NewView(a.cluster); err != nil {
		return 0, err
	}
	defer a.view.Close()
	began := time.Now()
	for _, phase := range []struct {
		name string
		run  func(*stage)
	}{{"metadata", metadataPhase}, {"acks", acksPhase}, {"failover", failoverPhase}, {"afterwards", afterwardsPhase}} {
		phase.run(&stage{Suite: &checks.Suite{Ctx: ctx, Name: phase.name, Report: a.report, Explain: a.cluster.Gone}, acceptance: a})
	}
	return a.report.Summary(time.Since(began)), nil
}
