package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/settings"
)

const description = `chronik-server is a Kafka-compatible message broker: existing Kafka clients and
tools use it unchanged. Without flags it serves localhost:9092 and keeps its data
in ./data. A record it has acknowledged is on the disk. Ctrl+C stops it cleanly.

Every setting has a name, which is Kafka's where Kafka has one. It may be given
as a flag (below), with --override, as an environment variable (CHRONIK_ and the
name in upper case, with _ for dots: CHRONIK_NUM_PARTITIONS), or in a file in the
format of Kafka's server.properties; the first of these counts.
"chronik-server config describe" explains all of them.`

const examples = `  # a broker on localhost:9092, data in ./data
  chronik-server

  # reachable from other machines as broker.example:9092
  chronik-server --advertised-addr broker.example --data-dir /var/lib/chronik

  # with a server.properties of Kafka's, and one setting changed
  chronik-server --config server.properties --override num.partitions=6

  # by TLS, with a certificate and its key in one PEM file
  chronik-server -o listeners=SSL://localhost:9093 -o ssl.keystore.location=keystore.pem

  # a cluster of three nodes on this machine
  chronik-server dev

  # the first of three nodes by hand; raft-cluster --help shows the others
  chronik-server --node-id 1 --kafka-port 9092 --data-dir ./data/node1 \
    raft-cluster --raft-addr localhost:9192 --peers "2@localhost:9193,3@localhost:9194" --bootstrap`

func newRootCommand(build newNode) *cobra.Command {
	root := &cobra.Command{
		Use:           "chronik-server",
		Short:         "A Kafka-compatible message broker",
		Long:          description,
		Example:       examples,
		Version:       buildVersion(),
		Args:          noCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.Flags().SortFlags = false
	flags := config.NewFlags(root.Flags())
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		return serve(cmd.Context(), flags, cmd.ErrOrStderr(), build)
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("chronik-server {{.Version}}\n")
	complete(root)
	root.AddCommand(newClusterCommand(build), newDevCommand(), newBalanceCommand(), newQuorumCommand(), newVersionCommand(), newConfigCommand())
	return root
}

// complete tells shells what the flags of a command that serves take. It fails for
// flags that do not exist only.
func complete(serving *cobra.Command) {
	words := func(words ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	}
	err := errors.Join(
		serving.MarkFlagDirname("data-dir"),
		serving.RegisterFlagCompletionFunc("log-level", words("debug", "info", "warn", "error")),
		serving.RegisterFlagCompletionFunc("log-format", words("auto", "text", "json")),
		serving.RegisterFlagCompletionFunc("override", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return overrides(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}),
	)
	if serving.Flags().Lookup("config") != nil {
		err = errors.Join(err, serving.MarkFlagFilename("config", "properties"))
	}
	if err != nil {
		panic("chronik-server: BUG: " + err.Error())
	}
}

func overrides() []cobra.Completion {
	var all []cobra.Completion
	for _, d := range brokerSettings(false) {
		all = append(all, d.Name+"=")
	}
	return all
}

// noCommand refuses words that are no command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	return &usageError{fmt.Errorf("unknown command %q%s", args[0], didYouMean(cmd.SuggestionsFor(args[0])))}
}

// noArguments is for the commands below the root.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Errorf("unexpected argument %q", args[0])}
}

func didYouMean(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(words, " or ") + "?"
}

// flagError adds a suggestion to an unknown flag.
func flagError(cmd *cobra.Command, err error) error {
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		names := make(map[string]bool)
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names[f.Name] = true })
		sorted := slices.Sorted(maps.Keys(names))
		suggestion := ""
		if config.IsClusterFlag(unknown.GetSpecifiedName()) {
			suggestion = "; it belongs to chronik-server raft-cluster"
		} else if nearest := settings.Nearest(unknown.GetSpecifiedName(), slices.Values(sorted)); nearest != "" {
			suggestion = didYouMean([]string{"--" + nearest})
		} else if _, ok := settings.LookupBroker(unknown.GetSpecifiedName()); ok {
			suggestion = didYouMean([]string{"--override " + unknown.GetSpecifiedName() + "=..."})
		}
		err = fmt.Errorf("%w%s", err, suggestion)
	}
	return &usageError{err}
}
