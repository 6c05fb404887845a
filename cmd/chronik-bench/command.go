package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

const description = `chronik-bench measures a Kafka cluster: chronik's, or any other that speaks Kafka's
protocol. Without flags 128 callers write to localhost:9092 for 30 seconds, each
waiting for its record to be acknowledged before it sends the next. The topic is
created where it is missing, and nothing is deleted unless --delete-topic is given.

How it goes is written to standard error, once a second on a terminal and every ten
seconds elsewhere; the result to standard output. Ctrl+C ends the measured time, with
a result; a second one ends everything.

With --rate records are due at fixed times, and latency counts from then: a cluster
that stalls is charged with all who would have called meanwhile, and not only with
those who happened to (coordinated omission). Without it, latency counts from when a
caller was free to send.

--require takes conditions with commas between them: a figure (throughput, in msg/s;
rate, in MB/s; p50, p90, p99, p999, max; errors; with --verify also missing,
duplicated, damaged), one of >= <= > < =, and a value, for latencies with a unit.
A side of the traffic may stand before it: consume.throughput>=100000.

Exit code: 0 measured, and all as it has to be; 1 not measured; 2 what was asked for
cannot be done; 3 a condition of --require did not hold, or --verify found
acknowledged records missing, damaged, or, with --idempotent, doubled.`

const examples = `  # 128 callers for 30 s, each record on all in-sync replicas before the next
  chronik-bench --bootstrap-servers localhost:9092 --topic t --duration 30 --concurrency 128 --message-size 256 --acks -1

  # as fast as it goes, records of 100 bytes, over a new topic of 12 partitions and 3 replicas
  chronik-bench --topic fast --partitions 12 --replication-factor 3 --async --message-size 100 --delete-topic

  # latency at a fixed rate, from when records are due until they have been read
  chronik-bench --topic e2e --mode end-to-end --rate 20000

  # what was written before, from the start to the end
  chronik-bench --topic t --mode consume

  # by TLS, with a file such as Kafka's tools take: security.protocol=SSL,
  # ssl.truststore.type=PEM, ssl.truststore.location=ca.pem
  chronik-bench --bootstrap-servers localhost:9093 --command-config client.properties

  # the first with plots, for a browser
  chronik-bench --topic t --duration 30 --report run.html

  # in a pipeline: nothing may get lost, and it has to be fast
  chronik-bench --topic ci --duration 10 --idempotent --verify --require "throughput>=40000,p99<=100ms,errors=0" --format json`

func newCommand() *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:           "chronik-bench",
		Short:         "Measure a Kafka cluster",
		Long:          description,
		Example:       examples,
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return measure(cmd, &f)
		},
	}
	f.add(c.Flags())
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	complete(c)
	c.AddCommand(newCompareCommand(kafkaAndChronik), newLimitsCommand())
	return c
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &usageError{fmt.Errorf("unexpected argument %q: all but the commands of chronik-bench --help are flags", args[0])}
}

// complete tells shells what flags take.
func complete(c *cobra.Command) {
	err := errors.Join(c.MarkFlagFilename("report", "html"), c.MarkFlagFilename("command-config", "properties"))
	for flag, words := range map[string][]string{
		"mode":        {"produce", "consume", "end-to-end", "mixed"},
		"acks":        {"-1", "1", "0"},
		"compression": {"none", "gzip", "snappy", "lz4", "zstd"},
		"partitioner": {"sticky", "round-robin"},
		"payload":     {"random", "zeros", "text"},
		"keys":        {"none", "sequential", "random:1000"},
		"format":      {"table", "json", "csv"},
	} {
		err = errors.Join(err, completeWords(c, flag, words...))
	}
	must(err)
}

func completeWords(c *cobra.Command, flag string, words ...string) error {
	return c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// must takes what fails for flags that do not exist only.
func must(err error) {
	if err != nil {
		panic("chronik-bench: BUG: " + err.Error())
	}
}
