// Command chronik-server runs one chronik broker.
//
// It turns the command line into a configuration, builds a broker of it and
// runs it until a signal comes. It exits with 0 after a clean stop, 1 where the
// broker could not start or failed (one sentence on standard error says why),
// and 2 where the command line was wrong. It owns one goroutine, which waits for
// signals; everything else is the broker's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, newBroker))
}

// run is main with its surroundings as arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, build newNode) int {
	cmd := newRootCommand(build)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "chronik-server: %v\n", err) //nolint:errcheck // nobody is left to be told
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		fmt.Fprintf(stderr, "See chronik-server --help.\n") //nolint:errcheck // as above
		return exitUsage
	}
	return exitFailed
}

// usageError is a wrong command line, as opposed to a start that failed.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
