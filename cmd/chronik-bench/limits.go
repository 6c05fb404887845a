package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/bench/limits"
	"github.com/chronik/chronik/internal/bench/output"
)

const limitsDescription = `limits measures what the machine itself can do, without a broker: copy memory, checksum,
move bytes over loopback, append to files and make them durable. From that follows how
much could be produced to three nodes on it at most, with the client on it too. It takes
half a minute, and half a gigabyte of the disk; nothing else should run meanwhile.`

const limitsExamples = `  # of this machine, and of the disk that /var/lib is on
  chronik-bench limits --dir /var/lib

  # for a program
  chronik-bench limits --format json`

// limitsFlags are the command line of limits as it was given.
type limitsFlags struct {
	dir, format string
	each        seconds
	fileMiB     int64
}

func newLimitsCommand() *cobra.Command {
	var f limitsFlags
	c := &cobra.Command{
		Use: "limits", Short: "Measure what the machine itself can do", Long: limitsDescription, Example: limitsExamples,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return measureLimits(cmd, &f) },
	}
	usual, set := limits.Usual(), c.Flags()
	set.SortFlags = false
	f.each = seconds(usual.Each)
	set.StringVar(&f.dir, "dir", ".", "`directory` on the disk that brokers write to")
	set.Var(&f.each, "each", "`time` for each of some fourteen measurements")
	set.Int64Var(&f.fileMiB, "file-size", usual.FileBytes>>20, "`MiB` of a file at most; there are three at a time")
	set.StringVar(&f.format, "format", string(output.Table), "`format` of the result: table or json")
	must(errors.Join(c.MarkFlagDirname("dir"), completeWords(c, "format", "table", "json")))
	return c
}

func measureLimits(cmd *cobra.Command, f *limitsFlags) error {
	format, err := output.ParseFormat(f.format)
	switch {
	case err != nil || format == output.CSV:
		return &usageError{fmt.Errorf("--format: %q is neither table nor json", f.format)}
	case f.each <= 0:
		return &usageError{fmt.Errorf("--each %s: nothing can be measured in no time", &f.each)}
	case f.fileMiB < 1:
		return &usageError{fmt.Errorf("--file-size %d: it is 1 MiB or more", f.fileMiB)}
	}
	stderr := cmd.ErrOrStderr()
	note := func(text string) { fmt.Fprintln(stderr, text) } //nolint:errcheck // it goes on, whoever reads
	ctx, release := endable(cmd.Context(), note)
	defer release()
	e := limits.Usual()
	e.Each, e.FileBytes = f.each.duration(), f.fileMiB<<20
	found, err := e.Measure(ctx, f.dir, func(what string) { note("measuring " + what) })
	if err != nil {
		return orCause(ctx, err)
	}
	if err := writeLimits(cmd.OutOrStdout(), format, found); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

func writeLimits(w io.Writer, format output.Format, l limits.Limits) error {
	if format == output.JSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(l)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range l.Lines() {
		if _, err := fmt.Fprintf(t, "%s\t%s\n", line.What, line.Value); err != nil {
			return err
		}
	}
	return t.Flush()
}
