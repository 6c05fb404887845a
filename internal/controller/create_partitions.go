package controller

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// CreatePartitions adds partitions to topics, to each by itself.
type CreatePartitions struct {
	Topics       []GrowTopic
	ValidateOnly bool
}

// GrowTopic says how many partitions a topic shall have.
type GrowTopic struct {
	Name  string
	Count int32 // in all, not how many more
	// Assignments are the replicas of the new partitions; nil: the controller
	// places them.
	Assignments [][]model.NodeID
}

// CreatePartitionsResult has an item for each topic of the command, in its order.
type CreatePartitionsResult struct{ Topics []GrownTopic }

// GrownTopic is whether a topic has grown.
type GrownTopic struct {
	Name string
	Err  *wire.Error
}

// Name implements Command.
func (CreatePartitions) Name() string { return "CreatePartitions" }

// Decide implements Command.
func (c CreatePartitions) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	result := CreatePartitionsResult{Topics: make([]GrownTopic, len(c.Topics))}
	repeats := repeated(c.Topics, func(t GrowTopic) string { return t.Name })
	placer, room := newPlacer(image), int32(newPartitionsMax)
	var records []meta.Record
	for i := range c.Topics {
		t := &c.Topics[i]
		result.Topics[i].Name = t.Name
		if repeats[t.Name] {
			result.Topics[i].Err = wire.Errorf(kerr.InvalidRequest, "Duplicate topic name %q.", t.Name)
			continue
		}
		of, err := grow(image, placer, t, room)
		result.Topics[i].Err = err
		records, room = append(records, of...), room-int32(len(of))
	}
	if c.ValidateOnly {
		records = nil
	}
	return records, result, nil
}

func grow(image *meta.Image, placer *placer, t *GrowTopic, room int32) ([]meta.Record, *wire.Error) {
	topic := image.Topics.ByName(t.Name)
	if topic == nil {
		return nil, unknownTopic(t.Name)
	}
	have := len(topic.Partitions)
	switch {
	case int(t.Count) == have:
		return nil, wire.Errorf(kerr.InvalidPartitions, "Topic already has %d partition(s).", have)
	case int(t.Count) < have:
		return nil, wire.Errorf(kerr.InvalidPartitions,
			"The topic %s currently has %d partition(s); %d would not be an increase.", t.Name, have, t.Count)
	case t.Count-int32(have) > room:
		return nil, excessive()
	}
	partitions, err := newPartitions(image, placer, topic, t)
	if err != nil {
		return nil, err
	}
	records := make([]meta.Record, len(partitions))
	for i, p := range partitions {
		records[i] = &meta.PartitionRecord{Topic: topic.ID, Index: model.Partition(have + i), Partition: p}
	}
	return records, nil
}

func newPartitions(image *meta.Image, placer *placer, topic *meta.Topic, t *GrowTopic) ([]meta.Partition, *wire.Error) {
	have, factor := len(topic.Partitions), len(topic.Partitions[0].Target())
	more := int(t.Count) - have
	if t.Assignments == nil {
		return placer.place(topic.Partitions, more, factor, topic.Name)
	}
	if len(t.Assignments) != more {
		return nil, wire.Errorf(kerr.InvalidReplicaAssignment,
			"Attempted to add %d additional partition(s), but %d assignment(s) were specified.", more, len(t.Assignments))
	}
	partitions := make([]meta.Partition, more)
	for i, replicas := range t.Assignments {
		var err *wire.Error
		if partitions[i], err = newPartition(image, have+i, replicas, factor); err != nil {
			return nil, err
		}
	}
	return partitions, nil
}
