package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/chronik/chronik/internal/bench"
	"github.com/chronik/chronik/internal/bench/access"
	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/output"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/requirement"
)

// flags are the command line as it was given.
type flags struct {
	set     *pflag.FlagSet
	options bench.Options
	format  string

	mode, payload, keys, require, report, commandConfig string
}

// add adds the flags to a set, in the order that --help shows them in.
func (f *flags) add(set *pflag.FlagSet) {
	f.set = set
	set.SortFlags = false
	o, p := &f.options, &f.options.Plan

	set.StringSliceVar(&o.Servers, "bootstrap-servers", []string{"localhost:9092"}, "`addresses` of brokers, host:port with commas between them")
	set.StringVar(&f.commandConfig, "command-config", "", "`file` of Kafka's client settings: security.protocol, ssl.truststore.* and ssl.keystore.* in PEM")
	set.StringVar(&o.Topic, "topic", "chronik-bench", "`name` of the topic; created where it is missing")
	set.IntVar(&o.Partitions, "partitions", 0, "`number` of a new topic's partitions (0: the cluster's default)")
	set.IntVar(&o.Replication, "replication-factor", 0, "`number` of a new topic's replicas (0: the cluster's default)")
	set.BoolVar(&o.Delete, "delete-topic", false, "delete the topic afterwards, if this run has created it")

	set.StringVar(&f.mode, "mode", string(load.Produce), "`way` that records go: produce, consume, end-to-end or mixed (produce and consume)")
	set.Var(newSeconds(&p.Duration, 30*time.Second), "duration", "`time` to measure, such as 30, 30s or 2m; consume ends earlier where all has been read")
	set.Var(newSeconds(&p.WarmUp, 3*time.Second), "warm-up", "`time` before, which does not count (consume: 0s unless given)")
	set.IntVar(&p.Concurrency, "concurrency", 128, "`number` of callers that wait for each record")
	set.BoolVar(&p.Async, "async", false, "do not wait: hand records over as fast as clients take them")
	set.IntVar(&p.Clients, "clients", 1, "`number` of clients, with connections of their own; callers share them")
	set.IntVar(&p.Buffered, "buffered", 10_000, "with --async: `records` that a client has under way at most")
	set.Float64Var(&p.Rate, "rate", 0, "`number` of records a second over all callers, at fixed times, or that are read (0: as fast as it goes)")

	set.IntVar(&p.Shape.Size, "message-size", 256, "`bytes` of a value")
	set.StringVar(&f.payload, "payload", string(payload.Random), "`pattern` that values are filled with: random, zeros or text")
	set.Float64Var(&p.Shape.Compressibility, "compressibility", 0.5, "with --payload text: `share` of words that repeat, 0 to 1")
	set.StringVar(&f.keys, "keys", "none", "`keys` of records: none, sequential or random:N for N different ones")
	set.StringVar(&p.Compression, "compression", "none", "`codec`: none, gzip, snappy, lz4 or zstd")

	set.IntVar(&p.Acks, "acks", -1, "`whom` a record waits for: -1 all in sync, 1 the leader, 0 nobody")
	set.BoolVar(&p.Idempotent, "idempotent", false, "have the cluster recognize what is sent again")
	set.BoolVar(&p.Transactional, "transactional", false, "write in transactions, one after the other for each client")
	set.IntVar(&p.TransactionRecords, "transaction-records", 100, "with --transactional: `records` of each transaction")
	set.DurationVar(&p.Linger, "linger", 0, "`time` that a client waits for more records to send together")
	set.IntVar(&p.BatchBytes, "batch-size", 0, "`bytes` of a batch at most, before compression (0: the client's default)")
	set.IntVar(&p.InFlight, "max-in-flight", 5, "`requests` to a broker at a time; the client decides with --idempotent")
	set.StringVar(&p.Partitioner, "partitioner", "sticky", "`way` to spread records without keys: sticky or round-robin")
	set.DurationVar(&p.DeliveryTimeout, "delivery-timeout", 30*time.Second, "`time` after which a record that is not acknowledged is an error")

	set.BoolVar(&o.Verify, "verify", false, "read everything back afterwards, and count what is missing, doubled or damaged")
	set.StringVar(&f.require, "require", "", "`conditions` that decide on the exit code, such as \"throughput>=40000,p99<=100ms,errors=0\"")
	set.StringVar(&f.format, "format", string(output.Table), "`format` of the result: table, json or csv")
	set.StringVar(&f.report, "report", "", "`file` for the result with plots, as HTML that needs nothing else")
	set.StringVar(&o.Name, "name", "", "`name` of the result (default: its mode)")
}

// parse makes checked options of the flags.
func (f *flags) parse() (bench.Options, output.Format, error) {
	o := f.options
	format, err := output.ParseFormat(f.format)
	if err != nil {
		return o, "", fmt.Errorf("--format: %w", err)
	}
	if o.Plan.Shape.Pattern, err = payload.ParsePattern(f.payload); err != nil {
		return o, "", fmt.Errorf("--payload: %w", err)
	}
	if o.Plan.Keys, err = payload.ParseKeys(f.keys); err != nil {
		return o, "", fmt.Errorf("--keys: %w", err)
	}
	if f.require != "" {
		if o.Required, err = requirement.Parse(f.require); err != nil {
			return o, "", err
		}
	}
	if err := checkFile("report", f.report); err != nil {
		return o, "", err
	}
	if f.commandConfig != "" {
		if o.TLS, err = access.Load(f.commandConfig); err != nil {
			return o, "", fmt.Errorf("--command-config: %w", err)
		}
	}
	o.Plan.Mode = load.Mode(f.mode)
	if o.Plan.Mode == load.Consume && !f.set.Changed("warm-up") {
		o.Plan.WarmUp = 0
	}
	if o.Name == "" {
		o.Name = f.mode
	}
	o.Settings = map[string]string{}
	f.set.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" {
			o.Settings[flag.Name] = flag.Value.String()
		}
	})
	o.Settings["bootstrap-servers"] = strings.Join(o.Servers, ",")
	o.Settings["warm-up"], o.Settings["name"] = o.Plan.WarmUp.String(), o.Name
	return o, format, o.Check()
}

// checkFile refuses a flag's file that could not be written once all has been measured.
func checkFile(flag, path string) error {
	if path == "" {
		return nil
	}
	if err := output.CheckFile(path); err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return nil
}

// seconds is a duration that may be given as a bare number.
type seconds time.Duration

func newSeconds(to *time.Duration, value time.Duration) *seconds {
	*to = value
	return (*seconds)(to)
}

func (s *seconds) duration() time.Duration { return time.Duration(*s) }

func (s *seconds) String() string { return time.Duration(*s).String() }

// Type is what --help calls a value that names nothing better.
func (s *seconds) Type() string { return "time" }

func (s *seconds) Set(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no time: give seconds, such as 30, or a unit, such as 30s or 2m", text)
	}
	*s = seconds(d)
	return nil
}
