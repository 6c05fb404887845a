package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/interop/cluster"
)

// trialMax bounds one trial: a Java client gives a record up after two minutes.
const trialMax = 3 * time.Minute

// trial is one strike, with a topic of its own in which each client has a partition.
type trial struct {
	*run
	kind    *kind
	topic   string
	clients []client
	ledgers []*ledger
	created []string // topics, by client
	order   []int    // of the nodes, as the topic's replicas are to be
}

// partitions are as many as the topic has, the first of which clients write to.
func (t *trial) partitions() int { return max(t.kind.partitions, len(t.clients)) }

// replicas are as many as each of them has.
func (t *trial) replicas() int {
	if t.kind.replicas > 0 {
		return t.kind.replicas
	}
	return cluster.Size
}

// conduct makes the trial, and adds what it found to the series.
func (r *run) conduct(ctx context.Context, k *kind, number int) error {
	ctx, cancel := context.WithTimeout(ctx, trialMax)
	defer cancel()
	t := &trial{run: r, kind: k, topic: fmt.Sprintf("%s-%d", strings.ReplaceAll(k.name, " ", "-"), number)}
	for _, c := range r.clients {
		if !c.forSilence || k.silent {
			t.clients, t.ledgers = append(t.clients, c.client), append(t.ledgers, &ledger{})
		}
	}
	node, err := t.place(ctx)
	if err != nil {
		return fmt.Errorf("place the leader: %w", err)
	}
	for i, c := range t.clients {
		if err := c.produce(t.topic, i, t.ledgers[i]); err != nil {
			return err
		}
	}
	if err := errors.Join(t.awaitAcks(ctx, steadyAcks), t.settle(ctx)); err != nil {
		return fmt.Errorf("before the strike: %w", err)
	}
	m, err := t.measure(ctx, node)
	if err != nil {
		return fmt.Errorf("%s, node %d struck at %s: %w", t.topic, node.ID, clock(m.struck), err)
	}
	for _, c := range t.clients {
		if err := c.stop(ctx); err != nil {
			return err
		}
	}
	r.done = append(r.done, written{topic: t.topic, ledgers: t.ledgers, created: t.created})
	t.report(node, m)
	return nil
}

// place creates the topic so that its leader stands where the kind wants it, and
// returns the node to strike.
func (t *trial) place(ctx context.Context) (*cluster.Node, error) {
	controller, err := t.view.AwaitController(ctx, allNodes()...)
	if err != nil {
		return nil, err
	}
	order := allNodes()
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	if t.kind.controls && t.kind.leads {
		order = append([]int{controller}, slices.DeleteFunc(order, func(id int) bool { return id == controller })...)
	} else if order[0] == controller {
		order[0], order[1] = order[1], order[0]
	}
	t.order = order
	if err := t.janitor.create(ctx, t.topic, t.partitions(), order[:t.replicas()]); err != nil {
		return nil, err
	}
	if t.kind.reordered { // nothing moves by that, and nobody else leads
		other := append([]int{order[1], order[0]}, order[2:t.replicas()]...)
		if err := t.janitor.reassign(ctx, t.topic, t.partitions(), other); err != nil {
			return nil, err
		}
	}
	_, err = t.view.AwaitTopic(ctx, t.topic, allNodes(), func(partitions []cluster.Partition) error {
		if len(partitions) == 0 || partitions[0].Leader != order[0] {
			return fmt.Errorf("node %d does not lead %+v", order[0], partitions)
		}
		return cluster.Whole(partitions)
	})
	if t.kind.leads {
		return t.cluster.Node(order[0]), err
	}
	return t.cluster.Node(controller), err
}

// settle returns when all clients are settled.
func (t *trial) settle(ctx context.Context) error {
	for {
		var last time.Time
		for _, c := range t.clients {
			if s := c.settled(); s.After(last) {
				last = s
			}
		}
		left := time.Until(last)
		if left < 0 {
			return nil
		}
		// Of what comes at the very end they are to be told, too.
		const margin = 300 * time.Millisecond
		if err := wait(ctx, time.Now(), left+margin); err != nil {
			return err
		}
	}
}

// times are what happened when, and what took how long.
type times struct {
	struck time.Time
	whole  time.Duration   // from when the node was started or went on
	writes []time.Duration // by client
}

// measure strikes, waits until clients go on, heals, and waits until every copy is in
// sync again.
func (t *trial) measure(ctx context.Context, node *cluster.Node) (times, error) {
	m := times{struck: time.Now(), writes: make([]time.Duration, len(t.clients))}
	if err := t.kind.strike(ctx, t, node); err != nil {
		return m, err
	}
	g, gctx := errgroup.WithContext(ctx)
	if t.kind.writes {
		for i, c := range t.clients {
			topic := fmt.Sprintf("%s-write-%d", t.topic, i)
			t.created = append(t.created, topic)
			g.Go(func() error {
				err := c.createTopic(gctx, topic)
				m.writes[i] = time.Since(m.struck)
				return err
			})
		}
	}
	if !t.kind.silent {
		if err := t.awaitAcks(ctx, steadyAcks); err != nil {
			return m, err
		}
	}
	if err := g.Wait(); err != nil {
		return m, fmt.Errorf("create a topic: %w", err)
	}
	if err := t.kind.heal(ctx, t.run, m.struck, node); err != nil {
		return m, err
	}
	healed := time.Now()
	if err := node.AwaitListening(ctx); err != nil {
		return m, err
	}
	if _, err := t.view.AwaitTopic(ctx, t.topic, allNodes(), cluster.Whole); err != nil {
		return m, err
	}
	m.whole = time.Since(healed)
	return m, t.awaitAcks(ctx, steadyAcks)
}

// awaitAcks returns when every client has so many more records acknowledged.
func (t *trial) awaitAcks(ctx context.Context, more int) error {
	var want []int
	for _, l := range t.ledgers {
		want = append(want, l.count()+more)
	}
	again := time.NewTicker(sendEvery)
	defer again.Stop()
	for {
		behind := -1
		for i, l := range t.ledgers {
			if l.count() < want[i] {
				behind = i
			}
		}
		if behind < 0 {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			_, failures := t.ledgers[behind].all()
			return fmt.Errorf("%s has no %d records acknowledged: %w (%s)", t.clients[behind].name(), more, ctx.Err(), firstOf(failures))
		}
	}
}

func allNodes() []int {
	var all []int
	for id := 1; id <= cluster.Size; id++ {
		all = append(all, id)
	}
	return all
}

// firstOf says how many failures there are, and what the first is.
func firstOf(failures []string) string {
	if len(failures) == 0 {
		return "none failed"
	}
	return fmt.Sprintf("%d failed, the first: %.300s", len(failures), failures[0])
}
