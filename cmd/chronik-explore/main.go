// Command chronik-explore visits all states of a small cluster, breadth first, and checks the
// promises of replication in each.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/chronik/chronik/internal/explore"
)

const usage = `chronik-explore visits all states that three brokers with one partition can get into
within bounds, those of fewer events first, and checks the promises of
docs/replication.md in each. The brokers run the state machines of production. Of a
promise that is broken it tells the shortest story, and exits with 1.

Usage: chronik-explore [flags]

Examples:
  chronik-explore
        the small case, up to a million states
  chronik-explore -states 200000000 -minutes 60 -memory 16
        the same for an hour
  chronik-explore -records 1 -crashes 1 -losses 0 -elections 1 -changes 1 -configs 0 -breaks 0 -states 100000000
        a smaller case, to its end
  chronik-explore -relaxed -min-insync 1
        records acknowledged before they are synced, by the leader alone if need be

Flags:
`

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	bounds := explore.Small()
	flags := flag.NewFlagSet("chronik-explore", flag.ContinueOnError)
	flags.Usage = func() {
		_, _ = fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.IntVar(&bounds.Records, "records", bounds.Records, "records that clients send")
	flags.IntVar(&bounds.Crashes, "crashes", bounds.Crashes, "crashes of brokers")
	flags.IntVar(&bounds.Losses, "losses", bounds.Losses, "crashes that lose data: emptied disks, power lost with records unsynced")
	flags.IntVar(&bounds.Elections, "elections", bounds.Elections, "brokers that the controller fences, rightly or not")
	flags.IntVar(&bounds.Changes, "changes", bounds.Changes, "changes of the in-sync set")
	flags.IntVar(&bounds.Configs, "configs", bounds.Configs, "changes of min.insync.replicas")
	flags.IntVar(&bounds.Breaks, "breaks", bounds.Breaks, "connections that are replaced")
	flags.IntVar(&bounds.InFlight, "in-flight", bounds.InFlight, "messages on their way from one broker to another")
	flags.IntVar(&bounds.MinInsync, "min-insync", bounds.MinInsync, "min.insync.replicas at the start")
	flags.BoolVar(&bounds.Relaxed, "relaxed", bounds.Relaxed, "flush.messages lets records be acknowledged before they are synced")
	flags.IntVar(&bounds.Delays, "delays", bounds.Delays, "things that are due and happen later, at any time")
	flags.BoolVar(&bounds.Cold, "cold", bounds.Cold, "begin before the followers have found their leader")
	flags.IntVar(&bounds.States, "states", bounds.States, "stop after so many states")
	minutes := flags.Float64("minutes", 60, "stop after so many minutes")
	memory := flags.Float64("memory", 8, "stop at so many GiB of memory in use")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 || bounds.InFlight < 1 || bounds.MinInsync < 1 || bounds.MinInsync > 3 {
		fmt.Fprintln(os.Stderr, "chronik-explore takes flags only, -in-flight of at least 1, and -min-insync of 1 to 3; see -h")
		return 2
	}
	bounds.Bytes = uint64(*memory * (1 << 30))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(*minutes*float64(time.Minute)))
	defer cancel()
	return report(explore.Search(ctx, bounds, progress(time.Now())))
}

func progress(began time.Time) func(explore.Result) {
	return func(r explore.Result) {
		fmt.Fprintf(os.Stderr, "%4.0f s: %d states, %d events deep, %d to go on from, %d states of a broker\n",
			time.Since(began).Seconds(), r.States, r.Depth, r.Frontier, r.Locals)
	}
}

func report(r explore.Result) int {
	switch {
	case r.Violation != nil:
		fmt.Printf("broken after %d states, %d events deep\n", r.States, len(r.Story))
		for i, line := range r.Story {
			fmt.Printf("%3d. %s\n", i+1, line)
		}
		fmt.Println(r.Violation)
		return 1
	case r.Complete:
		fmt.Printf("kept in all %d states, up to %d events deep, with up to %d records committed\n", r.States, r.Depth, r.Committed)
	default:
		fmt.Printf("kept in %d states, %d events deep, with up to %d records committed; stopped by %s with %d states to go on from\n",
			r.States, r.Depth, r.Committed, r.Stopped, r.Frontier)
	}
	return 0
}
