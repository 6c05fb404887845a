package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/checks"
	"github.com/chronik/chronik/interop/install"
)

// options is the command line.
type options struct {
	broker  string
	server  string
	dataDir string
	cache   string
	suites  []string
	keep    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed, err := run(ctx, parseOptions())
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func parseOptions() options {
	var o options
	var suite string
	flag.StringVar(&o.broker, "broker", "", "host:port of a running broker (empty: start -server)")
	flag.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to start")
	flag.StringVar(&o.dataDir, "data-dir", "", "data directory of a stopped broker, for -suite dump-log")
	flag.StringVar(&o.cache, "cache", ".cache/interop", "directory that keeps what is installed")
	flag.StringVar(&suite, "suite", "", "suites to run, by comma (empty: all): "+strings.Join(suiteNames(), ", "))
	flag.BoolVar(&o.keep, "keep", false, "keep the broker's data directory and log")
	flag.Parse()
	if suite != "" {
		o.suites = strings.Split(suite, ",")
	}
	return o
}

// run installs, starts, checks and reports; it returns how many checks failed.
func run(ctx context.Context, o options) (failed int, err error) {
	list, err := chosen(o)
	if err != nil {
		return 0, err
	}
	place, err := install.NewPlace(o.cache)
	if err != nil {
		return 0, err
	}
	started := time.Now()
	rep := checks.NewReport(os.Stdout)
	t := &tools{Place: place}
	list = installAll(ctx, t, rep, list)
	fmt.Printf("installed in %.0f s\n", time.Since(started).Seconds())

	runSuites(ctx, o, t, rep, list)
	return rep.Summary(time.Since(started)), nil
}

// installAll prepares the tools of each suite in order and returns the suites whose
// tools are there; the others count as failed.
func installAll(ctx context.Context, t *tools, rep *checks.Report, list []suite) []suite {
	var ready []suite
	for _, s := range list {
		if err := s.install(ctx, t); err != nil {
			rep.Add(checks.Result{Suite: s.name, Check: "install", Err: err})
			continue
		}
		ready = append(ready, s)
	}
	return ready
}
