package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/chronik/chronik/internal/bench"
	"github.com/chronik/chronik/internal/bench/comparison"
	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/output"
	"github.com/chronik/chronik/internal/bench/result"
)

// copies is how many of each record there are where systems are compared.
const copies = 3

// shapeFlags are a shape as one would give it to chronik-bench, so that what is compared
// can be repeated by hand.
func shapeFlags(bootstrap []string, s comparison.Shape) []string {
	args := []string{
		"--bootstrap-servers", strings.Join(bootstrap, ","), "--topic", s.Topic,
		"--partitions", strconv.Itoa(s.Partitions), "--replication-factor", strconv.Itoa(copies),
		"--warm-up", s.WarmUp.String(), "--duration", s.Length.String(), "--message-size", strconv.Itoa(s.RecordBytes),
		"--name", s.Name,
	}
	if s.Reads {
		return append(args, "--mode", string(load.Consume))
	}
	args = append(args, "--idempotent") // as the defaults of most clients are
	if s.Callers > 0 {
		args = append(args, "--concurrency", strconv.Itoa(s.Callers))
	} else {
		args = append(args, "--async")
	}
	if s.Verify {
		args = append(args, "--verify")
	}
	return args
}

// shapeOptions are what the flags of a shape say.
func shapeOptions(bootstrap []string, s comparison.Shape) (bench.Options, error) {
	var f flags
	set := pflag.NewFlagSet(s.Short, pflag.ContinueOnError)
	f.add(set)
	if err := set.Parse(shapeFlags(bootstrap, s)); err != nil {
		return bench.Options{}, err
	}
	o, _, err := f.parse()
	return o, err
}

// loads loads clusters with shapes by chronik-bench itself, and says how that goes.
func loads(stderr io.Writer) comparison.Load {
	return func(ctx context.Context, bootstrap []string, s comparison.Shape) (result.Result, error) {
		o, err := shapeOptions(bootstrap, s)
		if err != nil {
			return result.Result{}, err
		}
		o.Second = output.NewProgress(stderr, progressSeconds(stderr)).Second
		o.Note = func(text string) { fmt.Fprintln(stderr, "  "+text) } //nolint:errcheck // it goes on, whoever reads
		found, err := bench.Run(ctx, o)
		if found == nil {
			return result.Result{}, err
		}
		return *found, err
	}
}
