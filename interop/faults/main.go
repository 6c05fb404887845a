//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/faults/cluster"
	"github.com/chronik/chronik/interop/faults/mount"
	"github.com/chronik/chronik/interop/faults/plan"
	"github.com/chronik/chronik/interop/install"
	"github.com/chronik/chronik/interop/kafka"
)

// options is the command line.
type options struct {
	target string
	server string
	cache  string
	work   string
	runs   int
	seed   uint64
	length time.Duration
	kinds  []plan.Kind
	keep   bool
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == diskCommand {
		signal.Ignore(os.Interrupt, syscall.SIGTERM) // it ends with its input
		if err := mount.Serve(os.Args[2], os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "faults: disk:", err)
			os.Exit(2)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions()
	var broken int
	if err == nil {
		broken, err = runAll(ctx, o)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(2)
	case broken > 0:
		os.Exit(1)
	}
}

// diskCommand is this program's first argument where it is a disk's process.
const diskCommand = "disk"

func parseOptions() (options, error) {
	var o options
	var kinds string
	flag.StringVar(&o.target, "target", "chronik", "chronik or kafka")
	flag.StringVar(&o.server, "server", "bin/chronik-server", "the chronik-server to run")
	flag.StringVar(&o.cache, "cache", ".cache/interop", "directory that keeps what is installed")
	flag.StringVar(&o.work, "work", ".cache/faults", "directory for disks, logs and histories")
	flag.IntVar(&o.runs, "runs", 1, "how many runs, with one seed after the other")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the first run")
	flag.DurationVar(&o.length, "length", time.Minute, "how long a run is loaded, and struck")
	flag.StringVar(&kinds, "faults", "", "kinds of faults, by comma (empty: all): "+kindNames())
	flag.BoolVar(&o.keep, "keep", false, "keep the history and the logs of every run")
	flag.Parse()
	o.kinds = plan.Kinds()
	if kinds != "" {
		o.kinds = nil
		for name := range strings.SplitSeq(kinds, ",") {
			if !slices.Contains(plan.Kinds(), plan.Kind(name)) {
				return o, fmt.Errorf("-faults: there is no %q; there are: %s", name, kindNames())
			}
			o.kinds = append(o.kinds, plan.Kind(name))
		}
	}
	if os.Geteuid() != 0 {
		return o, errors.New("only root may make networks and mount disks: run it as root")
	}
	return o, nil
}

func kindNames() string {
	var names []string
	for _, k := range plan.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ",")
}

// runAll installs, and runs one seed after the other. It returns how many of them have
// broken a promise.
func runAll(ctx context.Context, o options) (broken int, err error) {
	e, err := prepare(ctx, o)
	if err != nil {
		return 0, err
	}
	if !e.target.ChangesMembers() {
		o.kinds = slices.DeleteFunc(o.kinds, plan.Kind.ChangesMembers)
		if len(o.kinds) == 0 {
			return 0, fmt.Errorf("-faults: the members of %s do not change while it runs", e.target.Name())
		}
	}
	rep := &report{out: os.Stdout, target: e.target}
	for n := range uint64(o.runs) {
		if ctx.Err() != nil {
			return rep.broken, ctx.Err()
		}
		res, err := e.run(ctx, plan.New(o.seed+n, o.length, o.kinds))
		if err != nil {
			return rep.broken, fmt.Errorf("seed %d: %w; see %s", o.seed+n, err, e.dir(o.seed+n))
		}
		rep.add(res)
		if err := e.clear(res.plan.Seed, o.keep || !res.kept()); err != nil {
			return rep.broken, err
		}
	}
	rep.summary()
	return rep.broken, nil
}

// environment is what all runs share.
type environment struct {
	target cluster.Target
	work   string
	disk   []string // command
	java   []string // command of the Java clients
}

// prepare installs what is needed, and finds the rest.
func prepare(ctx context.Context, o options) (*environment, error) {
	p, err := install.NewPlace(o.cache)
	if err != nil {
		return nil, err
	}
	work, err := filepath.Abs(o.work)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.Need(ctx, "nft", "nftables"), p.Need(ctx, "ip", "iproute2")); err != nil {
		return nil, err
	}
	tools, err := kafka.Install(ctx, p)
	if err != nil {
		return nil, err
	}
	classes, err := tools.Compile(ctx, p, filepath.Join(filepath.Dir(p.Sources), "faults", "java"), "faults-classes")
	if err != nil {
		return nil, err
	}
	e := &environment{work: work, disk: []string{self, diskCommand}, java: append(tools.Java("256m", classes), "Load")}
	switch o.target {
	case "chronik":
		server, err := filepath.Abs(o.server)
		if err != nil {
			return nil, err
		}
		e.target = cluster.Chronik{Server: server}
	case "kafka":
		e.target = cluster.Kafka{Java: tools.Java("384m")}
	default:
		return nil, fmt.Errorf("-target: there is no %q; there are chronik and kafka", o.target)
	}
	return e, nil
}
