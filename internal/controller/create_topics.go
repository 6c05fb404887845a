package controller

import (
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/wire"
)

// newPartitionsMax is how many partitions one command may create. Kafka's limit;
// it keeps one entry of the metadata log small.
const newPartitionsMax = 10_000

// CreateTopics creates topics, each by itself.
type CreateTopics struct {
	Topics       []CreateTopic
	ValidateOnly bool
}

// CreateTopic says what topic to create.
type CreateTopic struct {
	Name string
	// Partitions and ReplicationFactor are -1 for the default, and have to be
	// where Assignments are given.
	Partitions        int32
	ReplicationFactor int16
	// Assignments name the replicas of each partition; empty: the controller
	// places them.
	Assignments map[model.Partition][]model.NodeID
	Configs     map[string]*string
}

// CreateTopicsResult has an item for each topic of the command, in its order.
type CreateTopicsResult struct{ Topics []CreatedTopic }

// CreatedTopic is what was created, or Err. With ValidateOnly ID is zero.
type CreatedTopic struct {
	Name              string
	ID                model.TopicID
	Partitions        int32
	ReplicationFactor int16
	Configs           map[string]string
	Err               *wire.Error
}

// Name implements Command.
func (CreateTopics) Name() string { return "CreateTopics" }

// Decide implements Command.
func (c CreateTopics) Decide(image *meta.Image, env Env) ([]meta.Record, any, error) {
	d := topicCreation{
		image: image, env: env,
		placer:  newPlacer(image),
		taken:   make(map[string]string, len(c.Topics)),
		room:    newPartitionsMax,
		repeats: repeated(c.Topics, func(t CreateTopic) string { return t.Name }),
	}
	result := CreateTopicsResult{Topics: make([]CreatedTopic, len(c.Topics))}
	var records []meta.Record
	for i := range c.Topics {
		created, of := d.create(&c.Topics[i])
		if c.ValidateOnly {
			created.ID, of = model.TopicID{}, nil
		}
		result.Topics[i] = created
		records = append(records, of...)
	}
	return records, result, nil
}

// repeated is the set of keys that stand in a list more than once.
func repeated[T any, K comparable](items []T, key func(T) K) map[K]bool {
	count := make(map[K]int, len(items))
	for _, item := range items {
		count[key(item)]++
	}
	twice := make(map[K]bool)
	for k, n := range count {
		if n > 1 {
			twice[k] = true
		}
	}
	return twice
}

// topicCreation is the state of one CreateTopics while it is decided.
type topicCreation struct {
	image   *meta.Image
	env     Env
	placer  *placer
	repeats map[string]bool
	taken   map[string]string // names created by this command, by what they collide in
	room    int               // partitions that may still be created
}

func (d *topicCreation) create(t *CreateTopic) (CreatedTopic, []meta.Record) {
	out := CreatedTopic{Name: t.Name}
	var partitions []meta.Partition
	if out.Err = d.checkName(t.Name); out.Err == nil {
		partitions, out.Err = d.partitions(t)
	}
	if out.Err == nil {
		out.Configs, out.Err = topicConfigs(t.Configs)
	}
	if out.Err == nil && len(partitions) > d.room {
		out.Err = excessive()
	}
	if out.Err != nil {
		return out, nil
	}
	d.room -= len(partitions)
	d.taken[collisionKey(t.Name)] = t.Name
	out.ID = d.env.NewID()
	out.Partitions = int32(len(partitions))
	out.ReplicationFactor = int16(len(partitions[0].Replicas))
	return out, topicRecords(&out, partitions)
}

func excessive() *wire.Error {
	return wire.Errorf(kerr.PolicyViolation,
		"Excessively large number of partitions per request: %d are allowed; send several requests", newPartitionsMax)
}

func collisionKey(name string) string { return strings.ReplaceAll(name, ".", "_") }

func (d *topicCreation) checkName(name string) *wire.Error {
	if d.repeats[name] {
		return wire.Errorf(kerr.InvalidRequest, "Duplicate topic name %q.", name)
	}
	if err := checkNewName(d.image, name); err != nil {
		return err
	}
	if other, ok := d.taken[collisionKey(name)]; ok {
		return collides(name, other)
	}
	return nil
}

func (d *topicCreation) partitions(t *CreateTopic) ([]meta.Partition, *wire.Error) {
	if len(t.Assignments) > 0 {
		return d.assigned(t)
	}
	count, factor := t.Partitions, t.ReplicationFactor
	if count == -1 {
		count = d.env.Partitions
	}
	if factor == -1 {
		factor = d.env.ReplicationFactor
	}
	switch {
	case count <= 0:
		return nil, wire.Errorf(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value: %d.", count)
	case factor > meta.ReplicasMax:
		return nil, tooManyReplicas(int(factor))
	case factor <= 0:
		return nil, wire.Errorf(kerr.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value; it is %d.", factor)
	case count > newPartitionsMax:
		return nil, excessive()
	}
	return d.placer.place(nil, int(count), int(factor), t.Name)
}

func (d *topicCreation) assigned(t *CreateTopic) ([]meta.Partition, *wire.Error) {
	switch {
	case t.ReplicationFactor != -1:
		return nil, wire.Errorf(kerr.InvalidRequest, "A manual partition assignment was specified, but replication factor was not set to -1.")
	case t.Partitions != -1:
		return nil, wire.Errorf(kerr.InvalidRequest, "A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	partitions := make([]meta.Partition, 0, len(t.Assignments))
	factor := len(t.Assignments[0])
	for i := range len(t.Assignments) {
		replicas, ok := t.Assignments[model.Partition(i)]
		if !ok {
			return nil, wire.Errorf(kerr.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence; %d is missing", i)
		}
		p, err := newPartition(d.image, i, replicas, factor)
		if err != nil {
			return nil, err
		}
		partitions = append(partitions, p)
	}
	return partitions, nil
}

// newPartition is partition number with the replicas that a client has named,
// of which there have to be factor.
func newPartition(image *meta.Image, number int, replicas []model.NodeID, factor int) (meta.Partition, *wire.Error) {
	if len(replicas) == 0 {
		return meta.Partition{}, wire.Errorf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list for partition %d.", number)
	}
	if len(replicas) > meta.ReplicasMax {
		return meta.Partition{}, tooManyReplicas(len(replicas))
	}
	var isr []model.NodeID
	for i, n := range replicas {
		b := image.Brokers.ByID(n)
		switch {
		case b == nil:
			return meta.Partition{}, wire.Errorf(kerr.InvalidReplicaAssignment,
				"The manual partition assignment includes broker %d, but no such broker is registered.", n)
		case slices.Contains(replicas[:i], n):
			return meta.Partition{}, wire.Errorf(kerr.InvalidReplicaAssignment,
				"The manual partition assignment includes the broker %d more than once.", n)
		case !b.Fenced && !b.Leaving:
			isr = append(isr, n)
		}
	}
	if len(replicas) != factor {
		return meta.Partition{}, wire.Errorf(kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes a partition with %d replica(s), but this is not consistent with previous partitions, which have %d replica(s).",
			len(replicas), factor)
	}
	if len(isr) == 0 {
		return meta.Partition{}, wire.Errorf(kerr.InvalidReplicaAssignment,
			"All brokers specified in the manual partition assignment for partition %d are fenced or in controlled shutdown.", number)
	}
	return meta.Partition{Replicas: slices.Clone(replicas), ISR: isr, Leader: isr[0]}, nil
}

func tooManyReplicas(n int) *wire.Error {
	return wire.Errorf(kerr.InvalidReplicationFactor, "A partition has at most %d replicas; %d are asked for.", meta.ReplicasMax, n)
}

// topicConfigs checks the settings that a topic is created with.
func topicConfigs(given map[string]*string) (map[string]string, *wire.Error) {
	values := make(map[string]string, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		if value == nil {
			return nil, wire.Errorf(kerr.InvalidConfig, "Null value not supported for topic configs: %s", name)
		}
		if err := checkValueSize(name, *value); err != nil {
			return nil, err
		}
		values[name] = *value
	}
	if err := settings.ValidateTopic(values); err != nil {
		return nil, wire.Errorf(kerr.InvalidConfig, "%s", err)
	}
	return values, nil
}

func topicRecords(t *CreatedTopic, partitions []meta.Partition) []meta.Record {
	records := make([]meta.Record, 0, 1+len(partitions)+len(t.Configs))
	records = append(records, &meta.TopicRecord{ID: t.ID, Name: t.Name, Internal: isInternal(t.Name)})
	for i, p := range partitions {
		records = append(records, &meta.PartitionRecord{Topic: t.ID, Index: model.Partition(i), Partition: p})
	}
	for _, name := range slices.Sorted(maps.Keys(t.Configs)) {
		records = append(records, &meta.ConfigRecord{
			Resource: meta.Resource{Type: meta.TopicResource, Name: t.Name}, Name: name, Value: t.Configs[name],
		})
	}
	return records
}
