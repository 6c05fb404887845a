package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/install"
	"github.com/chronik/chronik/interop/kafka"
)

// run is a cluster with its clients, and what was found so far.
type run struct {
	options options
	out     io.Writer
	cluster *cluster.Cluster
	network *network // nil unless a kind cuts it
	view    *cluster.View
	janitor *janitor
	clients []chosenClient

	series             []*series
	done               []written // trials whose topics are still there, the oldest first
	acknowledged, read int       // records
}

// chosenClient is one of the run's clients. One that is forSilence gives requests up
// early, which matters where nothing answers.
type chosenClient struct {
	client
	forSilence bool
}

func newRun(ctx context.Context, o options, out io.Writer) (r *run, err error) {
	place, err := install.NewPlace(o.cache)
	if err != nil {
		return nil, err
	}
	r = &run{options: o, out: out}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(true))
		}
	}()
	var tools *kafka.Tools
	if o.client != "franz" || o.target == "kafka" {
		if tools, err = kafka.Install(ctx, place); err != nil {
			return r, err
		}
		if err := tools.CompilePrograms(ctx, place); err != nil {
			return r, err
		}
	}
	if r.cluster, err = r.newCluster(ctx, tools); err != nil {
		return r, err
	}
	if err := r.cluster.Start(ctx, allNodes()...); err != nil {
		return r, err
	}
	if r.view, err = cluster.NewView(r.cluster); err != nil {
		return r, err
	}
	if _, err := r.view.AwaitController(ctx, allNodes()...); err != nil {
		return r, err
	}
	if r.janitor, err = newJanitor(r.cluster.Addrs()); err != nil {
		return r, err
	}
	return r, r.startClients(ctx, tools)
}

// newCluster makes the nodes, each with a network of its own if that is to be cut.
func (r *run) newCluster(ctx context.Context, tools *kafka.Tools) (*cluster.Cluster, error) {
	if r.options.target == "kafka" {
		return cluster.Kafka(ctx, tools)
	}
	if !slices.ContainsFunc(kinds(), func(k kind) bool { return k.cuts && r.strikes(&k) }) {
		return cluster.Chronik(r.options.server)
	}
	var err error
	if r.network, err = newNetwork(); err != nil {
		return nil, fmt.Errorf("%w (-kinds without \"leader cut off\" needs no network)", err)
	}
	return cluster.ChronikIn(r.options.server, r.network.place)
}

// strikes is whether the run has trials of a kind. The nodes of Kafka's have no networks
// that could be cut.
func (r *run) strikes(k *kind) bool {
	if r.options.kinds == nil {
		return !k.cuts || r.options.target != "kafka"
	}
	return slices.Contains(r.options.kinds, k.name)
}

// startClients starts them, and has each create a topic, so that none does so for the
// first time when it is measured.
func (r *run) startClients(ctx context.Context, tools *kafka.Tools) error {
	if r.options.client != "franz" {
		for _, settings := range [][]string{nil, {"request.timeout.ms=1000"}} {
			name := "java"
			for _, s := range settings {
				name += " " + s
			}
			j, err := newJavaClient(name, tools.Program("Producing", append([]string{r.cluster.Bootstrap()}, settings...)...))
			if err != nil {
				return err
			}
			r.clients = append(r.clients, chosenClient{client: j, forSilence: settings != nil})
		}
	}
	if r.options.client != "java" {
		f, err := newFranzClient(r.cluster.Addrs())
		if err != nil {
			return err
		}
		r.clients = append(r.clients, chosenClient{client: f})
	}
	for i, c := range r.clients {
		if err := c.createTopic(ctx, fmt.Sprint("first-", i)); err != nil {
			return err
		}
	}
	return nil
}

// strikeAll makes the trials, kind after kind, and reads everything back.
func (r *run) strikeAll(ctx context.Context) error {
	for _, k := range kinds() {
		if !r.strikes(&k) {
			continue
		}
		for number := 1; number <= r.options.trials; number++ {
			if err := r.conduct(ctx, &k, number); err != nil {
				return err
			}
			if err := r.readBack(ctx, keepTopics); err != nil {
				return err
			}
		}
	}
	return r.readBack(ctx, 0)
}

// close ends what runs. The nodes' directories may be kept.
func (r *run) close(keep bool) error {
	for _, c := range r.clients {
		c.close()
	}
	if r.janitor != nil {
		r.janitor.Close()
	}
	if r.view != nil {
		r.view.Close()
	}
	var err error
	if r.cluster != nil {
		if keep {
			fmt.Fprintln(r.out, "kept", r.cluster.Dir)
		}
		err = r.cluster.Close(keep)
	}
	if r.network != nil {
		err = errors.Join(err, r.network.Close())
	}
	return err
}
