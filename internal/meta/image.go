package meta

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/model"
)

// Image is the cluster's metadata as of one index of the metadata log. It is
// immutable, and so is all that it points to: readers hold it as long as they
// like, without a lock. A newer one shares what has not changed.
type Image struct {
	// Index is the metadata log's index of the last entry in this image.
	Index uint64
	// ClusterID is "" until the cluster has been initialised.
	ClusterID string
	// Version is the metadata version (the format of the records) in force. Invariant:
	// it has all of Records, with all their fields.
	Version Version
	Topics  Topics
	Brokers Brokers
	Configs Configs
	// NextProducerID is the first producer id that has not been handed out.
	NextProducerID model.ProducerID
	// FlushChanged is the index of the last change to the brokers' defaults of
	// flush.messages and flush.ms; 0: never.
	FlushChanged uint64
}

// Topics is the set of topics.
type Topics struct {
	byName table[nameKey, *Topic]
	byID   table[idKey, *Topic]
	// byMetric holds the topics whose names have a period or an underscore, by
	// collisionName: Kafka's metric names do not tell the two apart, and so no
	// two topics may differ in them only.
	byMetric table[nameKey, *Topic]
}

// Topic is one topic with its partitions.
type Topic struct {
	ID   model.TopicID
	Name string
	// Partitions is indexed by partition number and has no holes.
	Partitions []Partition
	// Internal is set for topics that clients may not write, such as
	// __consumer_offsets.
	Internal bool
	// FlushChanged is the index of the last change to the topic's own
	// flush.messages or flush.ms; 0: never. Until a broker has applied it, it may
	// acknowledge by the older values.
	FlushChanged uint64
}

// ReplicasMax is how many replicas a partition may have: package replica keeps sets
// of them in a word.
const ReplicasMax = 64

// Partition is where one partition lives and who leads it (replication.md).
type Partition struct {
	// Replicas is the assignment, in order of preference. While it is being changed the
	// future ones come first, and then those that go.
	Replicas []model.NodeID
	// Adding are the replicas that a reassignment has added, and Removing those that go
	// when as many others are in sync; who is in both was added, and is not wanted any
	// more. One that has neither is not being reassigned. Invariant: subsets of Replicas,
	// in its order; Removing are the last of Replicas, and not all.
	Adding, Removing []model.NodeID
	// ISR is the in-sync set, in the order of Replicas. Invariant: a subset of
	// Replicas, never empty.
	ISR []model.NodeID
	// Lost are the members of ISR whose disks may lack what they acknowledged:
	// emptied, replaced, or gone down with data that was not synced. They count in
	// |ISR|, and answer no election until a leader has taken them in again.
	// Invariant: a subset of ISR, in its order, without Leader.
	Lost []model.NodeID
	// Leader is a member of ISR, or model.NoNode.
	Leader model.NodeID
	// LeaderEpoch grows by one at every change of Leader, also to NoNode.
	LeaderEpoch model.LeaderEpoch
	// PartitionEpoch grows by one at every change of this struct.
	PartitionEpoch model.PartitionEpoch
	// PreferFirst: the first of Replicas is to be elected where it holds what may be
	// committed, though another may hold more: somebody has asked for that. Invariant:
	// false while there is a leader.
	PreferFirst bool
}

// Reassigning reports whether the replicas are being changed.
func (p *Partition) Reassigning() bool { return len(p.Adding)+len(p.Removing) > 0 }

// Replaced reports whether those that go may leave the in-sync set: all that were added
// are in it, and as many of those that stay as of all others, the lost not counted. So
// there are never fewer copies in sync than before.
func (p *Partition) Replaced() bool {
	staying, others := 0, 0
	for _, n := range p.ISR {
		if slices.Contains(p.Lost, n) {
			continue
		}
		if !slices.Contains(p.Removing, n) {
			staying++
		}
		if !slices.Contains(p.Adding, n) {
			others++
		}
	}
	for _, n := range p.Coming() {
		if !slices.Contains(p.ISR, n) || slices.Contains(p.Lost, n) {
			return false
		}
	}
	return staying >= min(len(p.Target()), others)
}

// Coming are the replicas that were added, and stay.
func (p *Partition) Coming() []model.NodeID {
	return slices.DeleteFunc(slices.Clone(p.Adding), func(n model.NodeID) bool { return slices.Contains(p.Removing, n) })
}

// Copies is how many replicas there are but for those that were added and have not been in
// sync yet.
func (p *Partition) Copies() int {
	copies := len(p.Replicas)
	for _, n := range p.Adding {
		if !slices.Contains(p.ISR, n) {
			copies--
		}
	}
	return copies
}

// Target are the replicas that stay.
func (p *Partition) Target() []model.NodeID { return p.Replicas[:len(p.Replicas)-len(p.Removing)] }

// Equal reports whether two partitions are alike in everything.
func (p *Partition) Equal(q *Partition) bool {
	return p.PartitionEpoch == q.PartitionEpoch && p.LeaderEpoch == q.LeaderEpoch && p.Leader == q.Leader && p.PreferFirst == q.PreferFirst &&
		slices.Equal(p.ISR, q.ISR) && slices.Equal(p.Lost, q.Lost) && slices.Equal(p.Replicas, q.Replicas) &&
		slices.Equal(p.Adding, q.Adding) && slices.Equal(p.Removing, q.Removing)
}

// ByName finds a topic by its name; nil where there is none.
func (t Topics) ByName(name string) *Topic {
	topic, _ := t.byName.get(nameKey(name))
	return topic
}

// ByID finds a topic by its id; nil where there is none.
func (t Topics) ByID(id model.TopicID) *Topic {
	topic, _ := t.byID.get(idKey(id))
	return topic
}

// Colliding finds the topic whose name differs from name in nothing but periods
// and underscores, or not at all; nil where there is none.
func (t Topics) Colliding(name string) *Topic {
	collision, ok := collisionName(name)
	if !ok {
		return t.ByName(name)
	}
	topic, _ := t.byMetric.get(collision)
	return topic
}

// collisionName is what names that collide have in common; false where a name
// can collide with none but itself.
func collisionName(name string) (nameKey, bool) {
	if !strings.ContainsAny(name, "._") {
		return "", false
	}
	return nameKey(strings.ReplaceAll(name, ".", "_")), true
}

// Len is the number of topics.
func (t Topics) Len() int { return t.byName.length }

// All yields every topic, in no particular order.
func (t Topics) All() func(yield func(*Topic) bool) {
	return func(yield func(*Topic) bool) {
		t.byName.all(func(_ nameKey, topic *Topic) bool { return yield(topic) })
	}
}

// Brokers is the set of registered brokers.
type Brokers struct {
	byID map[model.NodeID]*Broker
}

// Broker is a broker's registration.
type Broker struct {
	ID          model.NodeID
	Incarnation model.Incarnation
	// Epoch is the index of the registration; it fences older incarnations.
	// Invariant: at most the image's Index.
	Epoch model.BrokerEpoch
	// Directory is the id of its data directory.
	Directory model.DirectoryID
	Endpoints []Endpoint
	// ClusterAddress is where other nodes connect to, host:port; "" of a node that has
	// not said so, or is alone.
	ClusterAddress string
	// Rack is "" where the broker has none.
	Rack string
	// Fenced: the broker leads nothing, until it is unfenced.
	Fenced bool
	// Leaving: the broker is in a controlled shutdown. It leads only what nobody
	// else can.
	Leaving bool
	// Relaxed: by the broker's own settings (file, environment, flags)
	// flush.messages or flush.ms let records be acknowledged before they are
	// synced, in topics that do not say otherwise.
	Relaxed bool
	// UnsyncedSince is the epoch of the earliest run that may have written what is
	// not synced yet. A broker syncs what it finds before it is unfenced for the
	// first time; until then that is an earlier run. Invariant: at most Epoch.
	UnsyncedSince model.BrokerEpoch
	// RelaxedBefore is Relaxed of the runs before this, from UnsyncedSince on.
	RelaxedBefore bool
	// Supports are the metadata versions that the run knows; zero where it registered
	// before Version2 was in force.
	Supports Range
}

// Endpoint is an advertised listener.
type Endpoint struct {
	Listener string // name, such as PLAINTEXT
	Host     string
	Port     uint16
	Protocol string // PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
	// Candidates are the addresses that the broker listens at, each with the network
	// it is on, in the order of the machine's interfaces. Where there are some, Host
	// is none of a user's, and HostFor picks one for each client.
	Candidates []netip.Prefix
}

// ByID finds a broker; nil where there is none.
func (b Brokers) ByID(id model.NodeID) *Broker { return b.byID[id] }

// Len is the number of brokers.
func (b Brokers) Len() int { return len(b.byID) }

// All yields every broker, in no particular order.
func (b Brokers) All() func(yield func(*Broker) bool) {
	return func(yield func(*Broker) bool) {
		for _, broker := range b.byID {
			if !yield(broker) {
				return
			}
		}
	}
}

// Endpoint finds the address advertised for a listener.
func (b *Broker) Endpoint(listener string) (Endpoint, bool) {
	for _, e := range b.Endpoints {
		if e.Listener == listener {
			return e, true
		}
	}
	return Endpoint{}, false
}

// ResourceType is what a setting is about; the numbers are Kafka's (ConfigResource).
type ResourceType int8

// Resource types that carry settings.
const (
	TopicResource  ResourceType = 2
	BrokerResource ResourceType = 4
	GroupResource  ResourceType = 32
)

// Resource names what settings belong to: a topic, a broker ("" is the
// default for all brokers) or a group.
type Resource struct {
	Type ResourceType
	Name string
}

// Configs holds the settings that were altered at run time.
type Configs struct {
	byResource table[Resource, map[string]string]
}

// Of is the settings altered for one resource; nil where there are none. The
// caller must not change the map.
func (c Configs) Of(r Resource) map[string]string {
	values, _ := c.byResource.get(r)
	return values
}

// All yields every resource that has settings, in no particular order.
func (c Configs) All() func(yield func(Resource, map[string]string) bool) {
	return c.byResource.all
}
