package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/bench"
	"github.com/chronik/chronik/internal/bench/output"
)

// quietSeconds is how often a line on how it goes is written where nobody watches.
const quietSeconds = 10

// measure runs the benchmark of a command line.
func measure(cmd *cobra.Command, f *flags) error {
	o, format, err := f.parse()
	if err != nil {
		return &usageError{err}
	}
	stderr := cmd.ErrOrStderr()
	every := quietSeconds
	if isTerminal(stderr) {
		every = 1
	}
	o.Second = output.NewProgress(stderr, every).Second
	o.Note = func(text string) { fmt.Fprintln(stderr, text) } //nolint:errcheck // the run goes on, whoever reads
	ctx, early, release := interruptible(cmd.Context(), o.Note)
	defer release()
	o.Early = early

	found, failed := bench.Run(ctx, o)
	if found != nil {
		if err := format.Write(cmd.OutOrStdout(), found); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	switch {
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return errors.New("stopped at once, with records under way: the result is of what there was until then")
	}
	if err := o.Held(found); err != nil {
		return &notHeldError{err}
	}
	return nil
}

// isTerminal reports whether somebody watches what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
