// Command chronik-sim runs seeded clusters in virtual time and looks for broken promises.
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
)

// Exit codes.
const (
	exitKept   = 0 // every promise was kept, or every bug asked for was found
	exitBroken = 1 // a promise was broken, or a planted bug was not found
	exitUsage  = 2 // what was asked for cannot be done
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == workerArgument {
		work(os.Stdin, os.Stdout)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run does what the arguments ask for. Where ctx ends it reports what it has.
func run(ctx context.Context, args []string, out, log io.Writer) int {
	o, err := parse(args, log)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitKept
	case err != nil:
		_, _ = fmt.Fprintf(log, "chronik-sim: %v\n", err)
		return exitUsage
	}
	kept := true
	switch {
	case o.listPlants:
		err = listPlants(out)
	case o.replays:
		kept, err = replay(o, out)
	case o.plants:
		kept, err = huntAll(ctx, o, out, log)
	case o.plant != "":
		kept, err = huntOne(ctx, o, out, log)
	default:
		kept, err = runSeeds(ctx, o, out, log)
	}
	switch {
	case err != nil:
		_, _ = fmt.Fprintf(log, "chronik-sim: %v\n", err)
		return exitUsage
	case !kept:
		return exitBroken
	}
	return exitKept
}
