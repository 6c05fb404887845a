package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/settings"
)

func newConfigCommand() *cobra.Command {
	describe := &cobra.Command{
		Use:   "describe [NAME]",
		Short: "List every setting, or explain one",
		Example: "  chronik-server config describe\n" +
			"  chronik-server config describe log.retention.ms",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{fmt.Errorf("one setting at a time; %d are named", len(args))}
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return settingNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return explain(cmd.OutOrStdout(), args[0])
			}
			return list(cmd.OutOrStdout())
		},
	}
	c := &cobra.Command{
		Use:   "config",
		Short: "Explain the settings",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(describe)
	return c
}

// section is a table of settings with its heading.
type section struct {
	heading string
	all     []settings.Definition
}

func sections() []section {
	return []section{
		{"Settings of the process (flag, environment or file)", settings.Process()},
		{"Settings of the broker (environment, file or --override)", brokerSettings(false)},
		{"Settings of the broker while it runs (kafka-configs --alter)", brokerSettings(true)},
		{"Settings of a topic (kafka-topics --config, kafka-configs --alter)", settings.Topic()},
	}
}

// brokerSettings are the broker's settings that are set while it runs alone, or the others.
func brokerSettings(dynamicOnly bool) []settings.Definition {
	return slices.DeleteFunc(settings.Broker(), func(d settings.Definition) bool {
		return (d.Update == settings.DynamicOnly) != dynamicOnly
	})
}

func settingNames() []cobra.Completion {
	var names []cobra.Completion
	for _, s := range sections() {
		for _, d := range s.all {
			names = append(names, d.Name)
		}
	}
	return names
}

// list prints a line for each setting.
func list(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i, s := range sections() {
		if i > 0 {
			fmt.Fprintln(t) //nolint:errcheck // Flush reports it
		}
		fmt.Fprintf(t, "%s\n\n", s.heading) //nolint:errcheck // as above
		for _, d := range s.all {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", d.Name, d.Type, defaultText(&d)) //nolint:errcheck // as above
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n\"chronik-server config describe NAME\" explains one of them.")
	return err
}

func defaultText(d *settings.Definition) string {
	switch {
	case d.Null && len(d.Fallbacks) > 0:
		return "(" + strings.Join(d.Fallbacks, ", or else ") + ")"
	case d.Null:
		return "(none)"
	case d.Default == "":
		return `""`
	}
	return d.Default
}

// explain prints all that is known of one name, which may be a topic's and a
// broker's setting.
func explain(w io.Writer, name string) error {
	found := false
	for _, s := range sections() {
		for _, d := range s.all {
			if d.Name != name {
				continue
			}
			if found {
				fmt.Fprintln(w) //nolint:errcheck // the next write reports it
			}
			found = true
			if err := explainOne(w, &d); err != nil {
				return err
			}
		}
	}
	if found {
		return nil
	}
	if d, ok := settings.LookupListener(name); ok {
		return explainOne(w, d)
	}
	if reason, ok := settings.UnservedTopic(name); ok {
		return fmt.Errorf("%s is a topic setting of Kafka's that chronik does not have: %s", name, reason)
	}
	return settings.UnknownBroker(name)
}

func explainOne(w io.Writer, d *settings.Definition) error {
	kind := map[settings.Scope]string{
		settings.TopicScope: "topic", settings.BrokerScope: "broker", settings.ProcessScope: "process"}[d.Scope]
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(t, "  %s\t%s\n", name, text) //nolint:errcheck // Flush reports it
		}
	}
	fmt.Fprintf(t, "%s (%s setting)\n", d.Name, kind) //nolint:errcheck // as above
	fmt.Fprintf(t, "  %s\n\n", d.Doc)                 //nolint:errcheck // as above
	row("type", d.Type.String())
	row("takes", d.ValidText())
	if d.Scope == settings.TopicScope {
		row("default", "the broker's "+strings.Join(d.Fallbacks, ", or else "))
		row("without", topicDefault(d))
	} else {
		row("default", defaultText(d))
	}
	if d.Scope != settings.TopicScope {
		row("set by", setBy(d.Name))
	}
	if d.PerListener {
		row("for one listener", settings.ListenerName("NAME", d.Name)+", with its name in lower case")
	}
	if d.Scope == settings.BrokerScope {
		row("changes", map[settings.Update]string{
			settings.ReadOnly: "with a restart", settings.ClusterWide: "at run time too (kafka-configs --alter --entity-type brokers)"}[d.Update])
	}
	return t.Flush()
}

// topicDefault is what a topic has where no broker's setting is given.
func topicDefault(d *settings.Definition) string {
	if d.Null {
		return "a majority of the replication factor"
	}
	return d.Default
}

func setBy(name string) string {
	ways := []string{}
	if flag, ok := config.FlagOf(name); ok {
		ways = append(ways, "--"+flag)
	}
	return strings.Join(append(ways, "--override "+name+"=...", config.Variable(name), name+"=... in the file"), ", ")
}
