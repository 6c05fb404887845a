package controller

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// UnregisterBroker forgets a broker. It is refused while partitions have replicas on it,
// or are about to: what it holds may be the only copy of a record, and a partition that
// names a broker which never comes back has one copy less than was asked for.
type UnregisterBroker struct{ Node model.NodeID }

// Name implements Command.
func (UnregisterBroker) Name() string { return "UnregisterBroker" }

// Decide implements Command.
func (c UnregisterBroker) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	b := image.Brokers.ByID(c.Node)
	if b == nil {
		return nil, nil, notRegistered(c.Node)
	}
	if count, example := replicasOn(image, c.Node); count > 0 {
		return nil, nil, wire.Errorf(kerr.InvalidRequest,
			"broker %d has replicas of %d partitions, %s among them; move them to other brokers first (kafka-reassign-partitions)", c.Node, count, example)
	}
	return []meta.Record{&meta.UnregisterBrokerRecord{ID: c.Node, Epoch: b.Epoch}}, BrokerChanged{}, nil
}

// replicasOn counts the partitions with a replica on a node, and names the first by name.
func replicasOn(image *meta.Image, node model.NodeID) (count int, first model.TopicPartition) {
	for t := range image.Topics.All() {
		for i := range t.Partitions {
			if !slices.Contains(t.Partitions[i].Replicas, node) {
				continue
			}
			if count == 0 || t.Name < first.Topic {
				first = model.TopicPartition{Topic: t.Name, Partition: model.Partition(i)}
			}
			count++
		}
	}
	return count, first
}
