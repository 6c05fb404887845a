package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
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

// suite is a named list of checks.
type suite struct {
	name    string
	install func(context.Context, *tools) error
	run     func(*suiteRun)
	// afterStop suites look at a broker that has been stopped, and so run last.
	afterStop bool
}

// suites lists everything there is, longest first, so that what runs beside it
// fits in its time.
func suites() []suite {
	return []suite{
		{name: "kafka-tools", install: installKafka, run: runKafkaTools},
		{name: "java", install: installJavaClient, run: runJavaClient},
		{name: "python", install: installPython, run: runPython},
		{name: "kafka-3.9", install: installOldKafka, run: runOldKafkaTools},
		{name: "kcat", install: installKcat, run: runKcat},
		{name: "kafkajs", install: installKafkaJS, run: runKafkaJS},
		{name: "dump-log", install: installKafka, run: runDumpLog, afterStop: true},
		{name: "restart", install: installKafka, run: runRestart, afterStop: true},
	}
}

func suiteNames() []string {
	var names []string
	for _, s := range suites() {
		names = append(names, s.name)
	}
	return names
}

// chosen picks the suites to run. With a broker that is not ours there is no
// data directory to look into, nor may it be stopped.
func chosen(o options) ([]suite, error) {
	for _, name := range o.suites {
		if !slices.Contains(suiteNames(), name) {
			return nil, fmt.Errorf("no suite %q; there are: %s", name, strings.Join(suiteNames(), ", "))
		}
	}
	// What looks at a stopped broker looks for what kafka-tools left there.
	if o.dataDir == "" && (slices.Contains(o.suites, "dump-log") || slices.Contains(o.suites, "restart")) {
		o.suites = append(o.suites, "kafka-tools")
	}
	var list []suite
	for _, s := range suites() {
		switch {
		case len(o.suites) > 0 && !slices.Contains(o.suites, s.name):
		case len(o.suites) == 0 && s.afterStop && o.broker != "":
		case len(o.suites) > 0 && s.name == "dump-log" && o.dataDir == "" && o.broker != "":
			return nil, errors.New("-suite dump-log of a foreign broker needs its -data-dir")
		default:
			list = append(list, s)
		}
	}
	return list, nil
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

// runSuites runs the suites against one broker, two at a time: the JVMs of one
// wait for the broker about half of their time.
func runSuites(ctx context.Context, o options, t *tools, rep *checks.Report, list []suite) {
	start := time.Now()
	b, err := openBroker(ctx, o)
	if err != nil {
		rep.Add(checks.Result{Suite: "broker", Check: "starts", Err: err, Took: time.Since(start)})
		return
	}
	defer b.cleanUp()
	newSuiteRun := func(name string) *suiteRun {
		return &suiteRun{Suite: &checks.Suite{Ctx: ctx, Name: name, Report: rep}, tools: t, broker: b}
	}
	turns := make(chan struct{}, 2)
	var running sync.WaitGroup
	for _, s := range list {
		if s.afterStop {
			continue
		}
		turns <- struct{}{}
		running.Go(func() {
			defer func() { <-turns }()
			s.run(newSuiteRun(s.name))
		})
	}
	running.Wait()
	for _, s := range list {
		if s.afterStop {
			s.run(newSuiteRun(s.name))
		}
	}
	finish := newSuiteRun("broker")
	if b.owned {
		finish.check("stops cleanly and logs no ERROR", func(c *check) {
			c.NoError(b.stop())
			c.NoError(b.complaints())
		})
	}
}
