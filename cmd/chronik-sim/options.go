package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/plant"
)

// options are what the arguments ask for.
type options struct {
	from, seeds uint64 // seeds [from, from+seeds); no end where seeds is 0
	during      time.Duration
	workers     int
	calm, stop  bool

	replays bool
	replay  uint64

	listPlants, plants bool
	plant              plant.Bug
}

const usage = `chronik-sim runs whole clusters in virtual time, each decided by a seed: its size,
its settings, its faults and every delay. Checkers look at every step. It prints
what happened in total, and each broken promise with its seed.

  go run ./cmd/chronik-sim -seeds 2000               seeds 1 to 2000
  go run ./cmd/chronik-sim -minutes 30 -from 100000  as many as there is time for
  go run ./cmd/chronik-sim -replay 17                the story of one seed
  go run ./cmd/chronik-sim -plant list               the bugs that can be planted
  go run -tags plant ./cmd/chronik-sim -plants       finds each of them
  go run -tags plant ./cmd/chronik-sim -plant vote-not-synced
  go run -tags plant ./cmd/chronik-sim -plant vote-not-synced -replay 17

Exit code: 0 every promise was kept (with -plant and -plants: every bug was
found), 1 not so, 2 what was asked for cannot be done.

`

const (
	seedsDefault      = 100
	plantSeedsDefault = 2000 // of each planted bug
)

// parse reads the arguments. flag.ErrHelp has been answered, on log.
func parse(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("chronik-sim", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Uint64Var(&o.seeds, "seeds", seedsDefault, fmt.Sprintf("run `N` seeds; with -plant and -plants at most, %d where not given", plantSeedsDefault))
	flags.Uint64Var(&o.from, "from", 1, "begin with seed `S`")
	minutes := flags.Float64("minutes", 0, "begin no seed after `M` minutes; without -seeds, run until then")
	flags.IntVar(&o.workers, "workers", runtime.NumCPU(), "processes to share the seeds among: `W`")
	flags.BoolVar(&o.calm, "calm", false, "run without faults")
	flags.BoolVar(&o.stop, "stop", false, "stop at the first broken promise")
	flags.Uint64Var(&o.replay, "replay", 0, "print the story of `SEED`: a column a node, then its outcome and the hash of its trace")
	name := flags.String("plant", "", "plant the bug `NAME` and run seeds until it is found; \"list\" lists the names")
	flags.BoolVar(&o.plants, "plants", false, "plant every bug in turn, and run seeds until it is found")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(log)
			_, _ = io.WriteString(log, usage)
			flags.PrintDefaults()
		}
		return o, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	o.replays = given["replay"]
	o.during = time.Duration(*minutes * float64(time.Minute))
	o.listPlants = *name == "list"
	if o.plant = plant.Bug(*name); o.listPlants {
		o.plant = ""
	}
	switch hunts := o.plants || o.plant != ""; {
	case given["seeds"] && o.seeds == 0:
		return o, errors.New("-seeds: at least 1")
	case hunts && !given["seeds"]:
		o.seeds = plantSeedsDefault
	case given["minutes"] && !given["seeds"]:
		o.seeds = 0
	}
	return o, o.check(flags.Args(), given, args)
}

// check looks for what contradicts itself.
func (o *options) check(rest []string, given map[string]bool, args []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is no option; -h lists them", rest[0])
	case o.workers < 1:
		return errors.New("-workers: at least 1")
	case given["minutes"] && o.during <= 0:
		return errors.New("-minutes: more than 0")
	case o.plants && (given["plant"] || o.replays):
		return errors.New("-plants goes through all bugs: not with -plant or -replay")
	case o.replays && (given["seeds"] || given["from"] || given["minutes"] || o.stop):
		return errors.New("-replay runs one seed: not with -seeds, -from, -minutes or -stop")
	case o.plant != "" && !plant.Known(o.plant):
		return fmt.Errorf("there is no bug %q to plant; -plant list lists them", o.plant)
	case (o.plants || o.plant != "") && !plant.Enabled:
		return fmt.Errorf("this build can plant no bugs; run: go run -tags plant ./cmd/chronik-sim %s", strings.Join(args, " "))
	}
	return nil
}
