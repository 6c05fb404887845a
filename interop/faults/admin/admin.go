package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// askMax bounds one question: who asks is about to strike.
	askMax = 5 * time.Second
	// again is how long to wait before something is asked again.
	again = 250 * time.Millisecond
	// factor is how many replicas a partition has, unless somebody has moved it.
	factor = 3
)

// Admin is a client that asks.
type Admin struct {
	client *kgo.Client
	admin  *kadm.Client
}

// New makes a client of a cluster.
func New(bootstrap []string) (*Admin, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.DialTimeout(time.Second),
		kgo.RequestTimeoutOverhead(2*time.Second), kgo.RetryTimeout(askMax), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	return &Admin{client: client, admin: kadm.NewClient(client)}, nil
}

// Close closes its connections.
func (a *Admin) Close() { a.client.Close() }

// CreateTopic creates a topic of three replicas, and tries until ctx ends.
func (a *Admin) CreateTopic(ctx context.Context, topic string, partitions int32, settings map[string]string) error {
	configs := map[string]*string{}
	for name, value := range settings {
		configs[name] = &value
	}
	err := try(ctx, func(asked context.Context) error {
		_, err := a.admin.CreateTopic(asked, partitions, factor, configs, topic)
		if errors.Is(err, kerr.TopicAlreadyExists) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	return nil
}

// try asks until there is no error, or ctx ends.
func try(ctx context.Context, ask func(context.Context) error) error {
	var last error
	for {
		asked, cancel := context.WithTimeout(ctx, askMax)
		err := ask(asked)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() == nil, last == nil: // what came before the end says more
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-time.After(again):
		}
	}
}

// Partition is who has a partition.
type Partition struct {
	Topic  string
	Number int32
	Leader int // below 1: none
	Epoch  int32
	ISR    []int // by number
	Nodes  []int // that have a replica
}

// Partitions returns every partition there is, internal topics' too, as some node sees it.
func (a *Admin) Partitions(ctx context.Context) ([]Partition, error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	answer, err := a.admin.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	var list []Partition
	for _, t := range answer.Topics.Sorted() {
		for _, p := range t.Partitions.Sorted() {
			list = append(list, Partition{Topic: t.Topic, Number: p.Partition, Leader: int(p.Leader), Epoch: p.LeaderEpoch,
				ISR: numbers(p.ISR), Nodes: numbers(p.Replicas)})
		}
	}
	return list, nil
}

func numbers(nodes []int32) []int {
	var list []int
	for _, n := range nodes {
		list = append(list, int(n))
	}
	slices.Sort(list)
	return list
}

// Leader returns who leads a partition, or an error where nobody does.
func (a *Admin) Leader(ctx context.Context, topic string, number int32) (int, error) {
	list, err := a.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range list {
		if p.Topic == topic && p.Number == number && p.Leader > 0 {
			return p.Leader, nil
		}
	}
	return 0, fmt.Errorf("nobody leads %s-%d", topic, number)
}

// AwaitOut waits until a node is in no in-sync set of a partition that it has a replica of.
func (a *Admin) AwaitOut(ctx context.Context, node int) error {
	return a.await(ctx, func(p Partition) bool { return !slices.Contains(p.ISR, node) && p.Leader > 0 })
}

// AwaitWhole waits until every partition has a leader and three replicas, and has in sync
// all but those on nodes that are excused.
func (a *Admin) AwaitWhole(ctx context.Context, excused ...int) error {
	return a.await(ctx, func(p Partition) bool { return len(p.Nodes) == factor && p.inSync(excused) })
}

// AwaitInSync waits until every partition has a leader, and has in sync the replicas that
// it has: somebody may have moved it.
func (a *Admin) AwaitInSync(ctx context.Context) error {
	return a.await(ctx, func(p Partition) bool { return p.inSync(nil) })
}

func (p Partition) inSync(excused []int) bool {
	return p.Leader > 0 && !slices.ContainsFunc(p.Nodes, func(n int) bool {
		return !slices.Contains(excused, n) && !slices.Contains(p.ISR, n)
	})
}

// await waits until a condition holds of every partition, and says of which it does not.
func (a *Admin) await(ctx context.Context, holds func(Partition) bool) error {
	var last error
	for {
		list, err := a.Partitions(ctx)
		var not []string
		for _, p := range list {
			if !holds(p) {
				not = append(not, fmt.Sprintf("%s-%d: leader %d, in sync %v of %v", p.Topic, p.Number, p.Leader, p.ISR, p.Nodes))
			}
		}
		switch {
		case err != nil && ctx.Err() == nil:
			last = err
		case err != nil:
		case len(not) == 0:
			return nil
		default:
			last = errors.New(strings.Join(not, "; "))
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-time.After(again):
		}
	}
}
