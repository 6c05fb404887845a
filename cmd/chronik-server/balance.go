package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/balance/remote"
	"github.com/chronik/chronik/internal/bench/access"
	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/model"
)

const balanceDescription = `balance evens out a running cluster: after a node has joined, before one goes, or when
disks, leaders or traffic have grown apart. It says what each broker has, what it is going
to move and why, and does it, a few partitions at a time. Replicas are spread over racks
first, and then evened within 10%, for the least data to be copied. Run it again, and it
has nothing to do.

Ctrl+C ends it at any time: what is under way goes on, and the next run goes on from there.

With --throttle no broker sends, or is sent, more bytes a second for moves, on the average:
the next begins only when those before would have taken that long. Brokers that serve Kafka's
settings for throttled replication are also told not to be faster at any moment. A run that
was interrupted leaves these settings; --end-throttle takes them back.

It speaks Kafka's protocol, and balances other clusters, too. "balancer.enable" has chronik
do the same by itself.`

const balanceExamples = `  # what would be done
  chronik-server balance --bootstrap-servers localhost:9092 --dry-run

  # do it, with 20 MiB/s at most on each broker
  chronik-server balance --bootstrap-servers localhost:9092 --throttle 20971520

  # have node 4 hold nothing, so that it can go
  chronik-server balance --bootstrap-servers localhost:9092 --empty 4`

// balanceFlags are what may be chosen.
type balanceFlags struct {
	options       remote.Options
	commandConfig string
	empty         []string
	endThrottle   bool
}

func newBalanceCommand() *cobra.Command {
	var b balanceFlags
	c := &cobra.Command{
		Use:     "balance",
		Short:   "Even out a running cluster",
		Long:    balanceDescription,
		Example: balanceExamples,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return b.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringSliceVar(&b.options.Servers, "bootstrap-servers", []string{"localhost:9092"}, "`host:port,...` of brokers")
	f.StringVar(&b.commandConfig, "command-config", "", "`file` of Kafka's client settings, for TLS")
	f.BoolVar(&b.options.DryRun, "dry-run", false, "say what would be done, and change nothing")
	f.Int64Var(&b.options.BytesPerSecond, "throttle", 0, "`bytes` a second that a broker sends or is sent at most (0: no limit)")
	f.StringSliceVar(&b.empty, "empty", nil, "`ids` of brokers that are to have nothing")
	f.StringSliceVar(&b.options.Topics, "topics", nil, "`names` of the topics that may move (default: all)")
	f.DurationVar(&b.options.Sample, "sample", 5*time.Second, "`time` for which it is measured what is written; 0 leaves that out")
	f.BoolVar(&b.endThrottle, "end-throttle", false, "only take back the throttle that an interrupted run has left")
	return c
}

// run balances until that is done, or a signal comes.
func (b *balanceFlags) run(ctx context.Context, out, stderr io.Writer) error {
	o := b.options
	o.Out = out
	if o.BytesPerSecond < 0 || o.Sample < 0 {
		return &usageError{errors.New("--throttle and --sample take no negative number")}
	}
	for _, text := range b.empty {
		id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		if err != nil || id < 0 {
			return &usageError{fmt.Errorf("--empty: %q is no broker's id", text)}
		}
		o.Empty = append(o.Empty, model.NodeID(id))
	}
	if b.commandConfig != "" {
		var err error
		if o.TLS, err = access.Load(b.commandConfig); err != nil {
			return fmt.Errorf("--command-config: %w", err)
		}
	}
	ctx, release := stopOnSignal(ctx, newLogger(stderr, config.Logging{Format: config.LogText, NoColor: os.Getenv("NO_COLOR") != ""}))
	defer release()
	if b.endThrottle {
		return remote.EndThrottle(ctx, o)
	}
	return remote.Run(ctx, o)
}
