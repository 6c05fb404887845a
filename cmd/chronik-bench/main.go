// Command chronik-bench measures a Kafka cluster, chronik's or any other, by Kafka's
// protocol alone; its command compare starts Apache Kafka's nodes and chronik's to do so in
// turn, and limits measures the machine itself.
//
// It turns the command line into options, runs internal/bench, internal/bench/comparison or
// internal/bench/limits with them, and writes the result. How it goes is on standard error,
// the result on standard output. It owns one goroutine, which waits for signals.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Exit codes, as --help explains them.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitNotHeld = 3
)

// gcPercent lets the heap grow to five times what lives. Reading, a client allocates a
// gigabyte a second: at Go's default of 100 its collections, and the pages that it gives
// back and takes again, were a quarter of what the client cost, and 1.5 million records of
// 1 KiB a second at most; 1.8 million with this.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments. stderr is written to by several
// goroutines, as a file can be.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return execute(ctx, newCommand(), args, stdout, stderr)
}

// execute runs a command, and says what the exit code is.
func execute(ctx context.Context, cmd *cobra.Command, args []string, stdout, stderr io.Writer) int {
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "chronik-bench: %v\n", err) //nolint:errcheck // nobody is left to be told
	if wrong := (*usageError)(nil); errors.As(err, &wrong) {
		fmt.Fprintf(stderr, "See chronik-bench --help.\n") //nolint:errcheck // as above
		return exitUsage
	}
	if broken := (*notHeldError)(nil); errors.As(err, &broken) {
		return exitNotHeld
	}
	return exitFailed
}

// usageError is a wrong command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// notHeldError is a cluster that was measured, and is not as it has to be.
type notHeldError struct{ err error }

func (e *notHeldError) Error() string { return e.err.Error() }
func (e *notHeldError) Unwrap() error { return e.err }
