package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/localcluster"
)

const devDescription = `dev starts a cluster on this machine, each node as a process of its own, and shows what
they log. Ctrl+C stops them all; started again, they have their data still. A node that
ends does not end the others: kill one with the pid that is shown, and see how they go
on. Each is what "chronik-server raft-cluster" runs, and takes its environment.`

const devExamples = `  # three nodes on localhost:9092, 9093 and 9094, data in ./data/node1 to node3
  chronik-server dev

  # five, beside another cluster
  chronik-server dev --nodes 5 --kafka-port 9200 --data-dir ./data5 --override num.partitions=6`

// devFlags are what a developer may choose.
type devFlags struct {
	plan      localcluster.Plan
	logLevel  string
	logFormat string
	overrides []string
}

func newDevCommand() *cobra.Command {
	var d devFlags
	c := &cobra.Command{
		Use:     "dev",
		Short:   "Run a whole cluster on this machine",
		Long:    devDescription,
		Example: devExamples,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.IntVar(&d.plan.Nodes, "nodes", 3, "`number` of nodes")
	f.IntVar(&d.plan.KafkaPort, "kafka-port", 9092, "`port` that clients of the first node connect to; the others' follow")
	f.StringVar(&d.plan.DataDir, "data-dir", "./data", "`directory` that holds one for each node")
	f.StringVar(&d.logLevel, "log-level", "", "`level` of all nodes: debug, info, warn or error (default info)")
	f.StringVar(&d.logFormat, "log-format", string(config.LogText), "`format` of all nodes: text or json")
	f.StringArrayVarP(&d.overrides, "override", "o", nil, "any setting of all nodes, as `name=value`; may be repeated")
	complete(c)
	return c
}

// run runs the nodes until a signal or ctx stops them.
func (d *devFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the file of chronik-server: %w", err)
	}
	d.plan.Arguments = []string{"--log-format", d.logFormat}
	if d.logLevel != "" {
		d.plan.Arguments = append(d.plan.Arguments, "--log-level", d.logLevel)
	}
	for _, o := range d.overrides {
		d.plan.Arguments = append(d.plan.Arguments, "--override", o)
	}
	plain := os.Getenv("NO_COLOR") != ""
	logging := config.Logging{Level: slog.LevelInfo, Format: config.LogFormat(d.logFormat), NoColor: plain}
	ctx, release := stopOnSignal(ctx, newLogger(stderr, logging))
	defer release()
	return localcluster.Run(ctx, localcluster.Options{
		Plan: d.plan, Program: program, Name: os.Args[0],
		Lines: stderr, Notes: stdout, Colors: isTerminal(stderr) && !plain,
	})
}
