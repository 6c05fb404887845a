package meta

import (
	"encoding/binary"

	"github.com/chronik/chronik/internal/model"
)

// VersionRecord sets the metadata version.
type VersionRecord struct{ Version Version }

// Type implements Record.
func (*VersionRecord) Type() RecordType { return VersionType }

func (*VersionRecord) since() Version { return Version1 }

func (r *VersionRecord) encode(b []byte, _ uint64) []byte {
	return binary.AppendVarint(b, int64(r.Version))
}
func (r *VersionRecord) decode(d *decoder) { r.Version = Version(d.int16()) }

// ClusterRecord gives the cluster its id, once and for all.
type ClusterRecord struct{ ID string }

// Type implements Record.
func (*ClusterRecord) Type() RecordType { return ClusterType }

func (*ClusterRecord) since() Version { return Version1 }

func (r *ClusterRecord) encode(b []byte, _ uint64) []byte { return appendText(b, r.ID) }
func (r *ClusterRecord) decode(d *decoder)                { r.ID = d.text() }

// TopicRecord creates a topic; its partitions follow, each with a record.
type TopicRecord struct {
	ID       model.TopicID
	Name     string
	Internal bool
}

// Type implements Record.
func (*TopicRecord) Type() RecordType { return TopicType }

func (*TopicRecord) since() Version { return Version1 }

func (r *TopicRecord) encode(b []byte, _ uint64) []byte {
	b = append(b, r.ID[:]...)
	b = appendText(b, r.Name)
	return appendBool(b, r.Internal)
}

func (r *TopicRecord) decode(d *decoder) {
	r.ID, r.Name, r.Internal = d.uuid(), d.text(), d.bool()
}

// PartitionRecord creates a partition. Partitions of a topic are created in the
// order of their numbers.
type PartitionRecord struct {
	Topic model.TopicID
	Index model.Partition
	Partition
}

// Type implements Record.
func (*PartitionRecord) Type() RecordType { return PartitionType }

func (*PartitionRecord) since() Version { return Version1 }

func (r *PartitionRecord) encode(b []byte, _ uint64) []byte {
	b = append(b, r.Topic[:]...)
	b = binary.AppendVarint(b, int64(r.Index))
	b = appendNodes(b, r.Replicas)
	b = appendNodes(b, r.ISR)
	b = binary.AppendVarint(b, int64(r.Leader))
	b = binary.AppendVarint(b, int64(r.LeaderEpoch))
	b = binary.AppendVarint(b, int64(r.PartitionEpoch))
	b = appendNodes(b, r.Lost)
	b = appendNodes(b, r.Adding)
	b = appendNodes(b, r.Removing)
	return appendBool(b, r.PreferFirst)
}

func (r *PartitionRecord) decode(d *decoder) {
	r.Topic, r.Index = d.uuid(), model.Partition(d.int32())
	r.Replicas, r.ISR = d.nodes(), d.nodes()
	r.Leader = model.NodeID(d.int32())
	r.LeaderEpoch = model.LeaderEpoch(d.int32())
	r.PartitionEpoch = model.PartitionEpoch(d.int32())
	if d.layout >= 2 {
		r.Lost = d.nodes()
	}
	if d.layout >= 3 {
		r.Adding, r.Removing, r.PreferFirst = d.nodes(), d.nodes(), d.bool()
	}
}

// PartitionChangeRecord changes a partition. It counts the partition epoch up by
// one, also where it changes nothing else: that refuses a proposal for good. Where
// Elect is set it counts the leader epoch up too, even where Leader is who led
// before: a new incarnation, or a new disk, leads in an epoch of its own.
type PartitionChangeRecord struct {
	Topic  model.TopicID
	Index  model.Partition
	ISR    []model.NodeID // empty: as it is; who leaves it leaves Lost too
	Elect  bool
	Leader model.NodeID // where Elect is set: the leader, or NoNode
	// SetLost: Lost takes the place of the lost members so far.
	SetLost bool
	Lost    []model.NodeID
	// PreferFirst: as in Partition, of an election that ends without a leader.
	PreferFirst bool
}

// Type implements Record.
func (*PartitionChangeRecord) Type() RecordType { return PartitionChangeType }

func (*PartitionChangeRecord) since() Version { return Version1 }

func (r *PartitionChangeRecord) encode(b []byte, _ uint64) []byte {
	b = append(b, r.Topic[:]...)
	b = binary.AppendVarint(b, int64(r.Index))
	b = appendNodes(b, r.ISR)
	b = appendBool(b, r.Elect)
	b = binary.AppendVarint(b, int64(r.Leader))
	b = appendBool(b, r.SetLost)
	b = appendNodes(b, r.Lost)
	return appendBool(b, r.PreferFirst)
}

func (r *PartitionChangeRecord) decode(d *decoder) {
	r.Topic, r.Index = d.uuid(), model.Partition(d.int32())
	r.ISR, r.Elect, r.Leader = d.nodes(), d.bool(), model.NodeID(d.int32())
	if d.layout >= 2 {
		r.SetLost, r.Lost = d.bool(), d.nodes()
	}
	if d.layout >= 3 {
		r.PreferFirst = d.bool()
	}
}

// ReplicasChangeRecord changes a partition's replicas. Who is none any more leaves
// ISR and Lost, which take the new order. It counts the partition epoch up.
type ReplicasChangeRecord struct {
	Topic                      model.TopicID
	Index                      model.Partition
	Replicas, Adding, Removing []model.NodeID
}

// Type implements Record.
func (*ReplicasChangeRecord) Type() RecordType { return ReplicasChangeType }

func (*ReplicasChangeRecord) since() Version { return Version1 }

func (r *ReplicasChangeRecord) encode(b []byte, _ uint64) []byte {
	b = append(b, r.Topic[:]...)
	b = binary.AppendVarint(b, int64(r.Index))
	b = appendNodes(b, r.Replicas)
	b = appendNodes(b, r.Adding)
	return appendNodes(b, r.Removing)
}

func (r *ReplicasChangeRecord) decode(d *decoder) {
	r.Topic, r.Index = d.uuid(), model.Partition(d.int32())
	r.Replicas, r.Adding, r.Removing = d.nodes(), d.nodes(), d.nodes()
}

// RemoveTopicRecord removes a topic, its partitions and its settings.
type RemoveTopicRecord struct{ ID model.TopicID }

// Type implements Record.
func (*RemoveTopicRecord) Type() RecordType { return RemoveTopicType }

func (*RemoveTopicRecord) since() Version { return Version1 }

func (r *RemoveTopicRecord) encode(b []byte, _ uint64) []byte { return append(b, r.ID[:]...) }
func (r *RemoveTopicRecord) decode(d *decoder)                { r.ID = d.uuid() }

// ConfigRecord sets a setting of a resource, or removes what was set.
type ConfigRecord struct {
	Resource Resource
	Name     string
	Remove   bool
	Value    string // "" where Remove is set
}

// Type implements Record.
func (*ConfigRecord) Type() RecordType { return ConfigType }

func (*ConfigRecord) since() Version { return Version1 }

func (r *ConfigRecord) encode(b []byte, _ uint64) []byte {
	b = append(b, byte(r.Resource.Type))
	b = appendText(b, r.Resource.Name)
	b = appendText(b, r.Name)
	b = appendBool(b, r.Remove)
	return appendText(b, r.Value)
}

func (r *ConfigRecord) decode(d *decoder) {
	r.Resource = Resource{Type: ResourceType(d.byte()), Name: d.text()}
	r.Name, r.Remove, r.Value = d.text(), d.bool(), d.text()
}

// RegisterBrokerRecord registers a broker's incarnation, in place of the one
// before.
type RegisterBrokerRecord struct{ Broker }

// Type implements Record.
func (*RegisterBrokerRecord) Type() RecordType { return RegisterBrokerType }

func (r *RegisterBrokerRecord) since() Version {
	if !r.Supports.IsZero() || r.ClusterAddress != "" {
		return Version2
	}
	return Version1
}

func (r *RegisterBrokerRecord) encode(b []byte, layout uint64) []byte {
	b = binary.AppendVarint(b, int64(r.ID))
	b = append(b, r.Incarnation[:]...)
	b = binary.AppendVarint(b, int64(r.Epoch))
	b = append(b, r.Directory[:]...)
	b = binary.AppendUvarint(b, uint64(len(r.Endpoints)))
	for _, e := range r.Endpoints {
		b = appendText(b, e.Listener)
		b = appendText(b, e.Host)
		b = binary.AppendUvarint(b, uint64(e.Port))
		b = appendText(b, e.Protocol)
	}
	b = appendText(b, r.Rack)
	b = appendBool(b, r.Fenced)
	b = appendBool(b, r.Leaving)
	b = appendBool(b, r.Relaxed)
	b = binary.AppendVarint(b, int64(r.UnsyncedSince))
	b = appendBool(b, r.RelaxedBefore)
	for _, e := range r.Endpoints {
		b = appendPrefixes(b, e.Candidates)
	}
	if layout >= 4 {
		b = binary.AppendVarint(b, int64(r.Supports.Oldest))
		b = binary.AppendVarint(b, int64(r.Supports.Newest))
		b = appendText(b, r.ClusterAddress)
	}
	return b
}

func (r *RegisterBrokerRecord) decode(d *decoder) {
	r.ID = model.NodeID(d.int32())
	r.Incarnation = d.uuid()
	r.Epoch = model.BrokerEpoch(d.int64())
	r.Directory = d.uuid()
	const endpointSizeMin = 4 // three empty texts and a port
	if n := d.count(endpointSizeMin); n > 0 {
		r.Endpoints = make([]Endpoint, n)
	}
	for i := range r.Endpoints {
		r.Endpoints[i] = Endpoint{Listener: d.text(), Host: d.text(), Port: d.port(), Protocol: d.text()}
	}
	r.Rack, r.Fenced = d.text(), d.bool()
	if d.layout >= 2 {
		r.Leaving, r.Relaxed = d.bool(), d.bool()
		r.UnsyncedSince, r.RelaxedBefore = model.BrokerEpoch(d.int64()), d.bool()
	}
	if d.layout >= 3 {
		for i := range r.Endpoints {
			r.Endpoints[i].Candidates = d.prefixes()
		}
	}
	if d.layout >= 4 {
		r.Supports = Range{Oldest: Version(d.int16()), Newest: Version(d.int16())}
		r.ClusterAddress = d.text()
	}
}

func (d *decoder) port() uint16 {
	v := d.uvarint()
	if v > 1<<16-1 {
		d.fail()
	}
	return uint16(v)
}

// BrokerChangeRecord says anew whether a broker is fenced, and whether it is
// leaving.
type BrokerChangeRecord struct {
	ID      model.NodeID
	Epoch   model.BrokerEpoch // of the registration it is about
	Fenced  bool
	Leaving bool
}

// Type implements Record.
func (*BrokerChangeRecord) Type() RecordType { return BrokerChangeType }

func (*BrokerChangeRecord) since() Version { return Version1 }

func (r *BrokerChangeRecord) encode(b []byte, _ uint64) []byte {
	b = binary.AppendVarint(b, int64(r.ID))
	b = binary.AppendVarint(b, int64(r.Epoch))
	b = appendBool(b, r.Fenced)
	return appendBool(b, r.Leaving)
}

func (r *BrokerChangeRecord) decode(d *decoder) {
	r.ID, r.Epoch, r.Fenced = model.NodeID(d.int32()), model.BrokerEpoch(d.int64()), d.bool()
	if d.layout >= 2 {
		r.Leaving = d.bool()
	}
}

// UnregisterBrokerRecord forgets a broker.
type UnregisterBrokerRecord struct {
	ID    model.NodeID
	Epoch model.BrokerEpoch // of the registration it is about
}

// Type implements Record.
func (*UnregisterBrokerRecord) Type() RecordType { return UnregisterBrokerType }

func (*UnregisterBrokerRecord) since() Version { return Version1 }

func (r *UnregisterBrokerRecord) encode(b []byte, _ uint64) []byte {
	b = binary.AppendVarint(b, int64(r.ID))
	return binary.AppendVarint(b, int64(r.Epoch))
}

func (r *UnregisterBrokerRecord) decode(d *decoder) {
	r.ID, r.Epoch = model.NodeID(d.int32()), model.BrokerEpoch(d.int64())
}

// ProducerIDsRecord hands all producer ids below Next out.
type ProducerIDsRecord struct {
	Next model.ProducerID
	Node model.NodeID // who got the last of them
}

// Type implements Record.
func (*ProducerIDsRecord) Type() RecordType { return ProducerIDsType }

func (*ProducerIDsRecord) since() Version { return Version1 }

func (r *ProducerIDsRecord) encode(b []byte, _ uint64) []byte {
	b = binary.AppendVarint(b, int64(r.Next))
	return binary.AppendVarint(b, int64(r.Node))
}

func (r *ProducerIDsRecord) decode(d *decoder) {
	r.Next, r.Node = model.ProducerID(d.int64()), model.NodeID(d.int32())
}

// FlushChangeRecord notes that flush.messages or flush.ms were altered: those of a
// topic, or where Topic is zero the brokers' defaults of them.
type FlushChangeRecord struct {
	Topic model.TopicID
	Index uint64 // of the metadata log
}

// Type implements Record.
func (*FlushChangeRecord) Type() RecordType { return FlushChangeType }

func (*FlushChangeRecord) since() Version { return Version1 }

func (r *FlushChangeRecord) encode(b []byte, _ uint64) []byte {
	b = append(b, r.Topic[:]...)
	return binary.AppendUvarint(b, r.Index)
}

func (r *FlushChangeRecord) decode(d *decoder) { r.Topic, r.Index = d.uuid(), d.uvarint() }
