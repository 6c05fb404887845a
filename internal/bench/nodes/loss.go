package nodes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/exchange"
)

// Records before a leader is killed, and after the first that its successor acknowledges.
const (
	recordsBefore = 100
	recordsAfter  = 100
)

// LoseLeader kills a node that leads a partition and is not the controller, as most leaders
// are not.
func (n *nodes) LoseLeader(ctx context.Context) (time.Duration, error) {
	view, err := cluster.NewView(n.Cluster)
	if err != nil {
		return 0, err
	}
	defer view.Close()
	n.losses++
	client := n.route(fmt.Sprint("loss-", n.losses))
	defer client.Close()
	leader, err := n.place(ctx, view, &client)
	if err != nil {
		return 0, fmt.Errorf("place the leader: %w", err)
	}
	gap, err := produceAcross(ctx, &client, leader)
	if err != nil {
		return 0, err
	}
	if err := leader.Start(); err != nil {
		return 0, err
	}
	if err := leader.AwaitListening(ctx); err != nil {
		return 0, err
	}
	_, err = view.AwaitTopic(ctx, client.Topic, n.ids(), cluster.Whole)
	return gap, err
}

// place makes the client's topic, and returns the node that leads it.
func (n *nodes) place(ctx context.Context, view *cluster.View, client *exchange.Route) (*cluster.Node, error) {
	controller, err := view.AwaitController(ctx, n.ids()...)
	if err != nil {
		return nil, err
	}
	order := slices.DeleteFunc(n.ids(), func(id int) bool { return id == controller })
	if err := client.Create(ctx, append(order, controller)...); err != nil {
		return nil, err
	}
	_, err = view.AwaitTopic(ctx, client.Topic, n.ids(), func(partitions []cluster.Partition) error {
		if len(partitions) == 0 || partitions[0].Leader != order[0] {
			return fmt.Errorf("node %d does not lead %+v", order[0], partitions)
		}
		return cluster.Whole(partitions)
	})
	return n.Node(order[0]), err
}

// produceAcross produces one record at a time, kills the leader in between, and returns the
// longest time between two acknowledgements from then on.
func produceAcross(ctx context.Context, client *exchange.Route, leader *cluster.Node) (time.Duration, error) {
	batch := exchange.Batch(1, recordBytes)
	for range recordsBefore {
		if err := client.Produce(ctx, batch); err != nil {
			return 0, err
		}
	}
	last := time.Now()
	if err := leader.Kill(); err != nil {
		return 0, err
	}
	var longest time.Duration
	for range 1 + recordsAfter {
		if err := client.Produce(ctx, batch); err != nil {
			return 0, fmt.Errorf("after the leader was killed: %w", err)
		}
		now := time.Now()
		longest, last = max(longest, now.Sub(last)), now
	}
	return longest, nil
}
