package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/bench/comparison"
	"github.com/chronik/chronik/internal/bench/limits"
	"github.com/chronik/chronik/internal/bench/machine"
	"github.com/chronik/chronik/internal/bench/nodes"
	"github.com/chronik/chronik/internal/bench/output"
	"github.com/chronik/chronik/internal/bench/report"
)

const compareDescription = `compare measures Apache Kafka and chronik on this machine, three nodes each, and prints the
figures with their ratios and ranges. The systems take turns, Kafka first, each turn with
new nodes on empty directories below $TMPDIR (default /tmp), which should be on the disk
that is meant. What is acknowledged is read back and compared. Kafka comes from Maven
Central, with whatever is missing to run it; that needs a checkout of chronik.

Nothing else should run on the machine meanwhile. What is being done, and for how long
at least still, is written to standard error. Ctrl+C ends everything that was started,
and what was found until then is written.

The shapes, as --only takes them: callers (128 of them, each waits for its record of
256 B), one (caller, 1 KiB), small (100 B, as fast as it goes), large (1 KiB), read (what
large has written), failover (leaders are killed). Start and memory are always measured.

Exit code: 0 compared; 1 not, or not to the end; 2 what was asked for cannot be done; 3 a
system has lost, doubled or damaged acknowledged records, or, with --strict, chronik has
missed a goal.`

const compareExamples = `  # everything, some ten minutes
  chronik-bench compare --report benchmark.html

  # latency and failover alone, three turns each
  chronik-bench compare --only one,failover --turns 3

  # all forms, and an exit code that says whether the goals were reached
  chronik-bench compare --duration 30 --report b.html --json b.json --table b.md --strict`

// systems makes those that are compared, the first of which is the others' measure.
type systems func(ctx context.Context, f *compareFlags) ([]comparison.System, error)

func newCompareCommand(of systems) *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use: "compare", Short: "Measure Apache Kafka and chronik in turn", Long: compareDescription, Example: compareExamples,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return compare(cmd, &f, of) },
	}
	f.add(c)
	return c
}

// kafkaAndChronik are the systems that users compare.
func kafkaAndChronik(ctx context.Context, f *compareFlags) ([]comparison.System, error) {
	server, err := f.findServer()
	if err != nil {
		return nil, &usageError{err}
	}
	kafka, err := nodes.InstallKafka(ctx, f.cache)
	if err != nil {
		return nil, fmt.Errorf("get Apache Kafka: %w", err)
	}
	return []comparison.System{kafka, nodes.Chronik{Server: server}}, nil
}

// compare compares the systems as a command line says.
func compare(cmd *cobra.Command, f *compareFlags, of systems) error {
	o, err := f.parse()
	if err != nil {
		return &usageError{err}
	}
	stderr := cmd.ErrOrStderr()
	note := func(text string) { fmt.Fprintln(stderr, text) } //nolint:errcheck // it goes on, whoever reads
	ctx, release := endable(cmd.Context(), note)
	defer release()
	if o.Systems, err = of(ctx, f); err != nil {
		return orCause(ctx, err)
	}
	if f.withLimits {
		effort := limits.Usual()
		effort.Each = min(effort.Each, f.duration.duration())
		if o.Limits, err = effort.Measure(ctx, os.TempDir(), func(what string) { note("the machine itself: " + what) }); err != nil {
			return orCause(ctx, err)
		}
	}
	o.Machine, o.Load = machine.Look, loads(stderr)
	o.Progress = func(what string, left time.Duration) {
		note(fmt.Sprintf("%s %s (%s or more to go)", time.Now().Format(time.TimeOnly), what, left.Round(time.Second)))
	}
	found, failed := comparison.Run(ctx, o)
	if len(found.Systems) == len(o.Systems) {
		if err := f.write(cmd.OutOrStdout(), found); err != nil {
			return errors.Join(failed, err)
		}
	}
	if failed != nil {
		return failed
	}
	return f.held(found)
}

// write writes a comparison in all forms that were asked for.
func (f *compareFlags) write(stdout io.Writer, found report.Comparison) error {
	if err := report.WriteText(stdout, found); err != nil {
		return err
	}
	for _, form := range []struct {
		flag, path string
		write      func(io.Writer) error
	}{
		{"report", f.report, func(w io.Writer) error { return report.WriteComparison(w, found) }},
		{"table", f.table, func(w io.Writer) error { return report.WriteTable(w, found) }},
		{"json", f.json, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(found)
		}},
	} {
		if form.path == "" {
			continue
		}
		if err := output.WriteFile(form.path, form.write); err != nil {
			return fmt.Errorf("--%s: %w", form.flag, err)
		}
	}
	return nil
}

// held says what is not as it has to be.
func (f *compareFlags) held(found report.Comparison) error {
	broken := found.Broken()
	if f.strict {
		broken = append(broken, found.Missed()...)
	}
	if len(broken) == 0 {
		return nil
	}
	return &notHeldError{errors.New(strings.Join(broken, "; "))}
}
