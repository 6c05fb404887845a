package meta

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// A snapshot is an image as records:
//
//	┌────────────┬───────────────┬─────────────────┐
//	│ format, u8 │ index uvarint │ records, to end │
//	└────────────┴───────────────┴─────────────────┘
//
// Equal images have equal snapshots: the version and the cluster come first, then
// brokers by id, topics by name each with its partitions, settings by resource
// and name, and the producer ids. It carries no checksum; who stores it does.

const snapshotFormat = 1

// EncodeSnapshot writes an image.
func EncodeSnapshot(i *Image) []byte {
	b := []byte{snapshotFormat}
	b = binary.AppendUvarint(b, i.Index)
	var body []byte
	for r := range i.Records() {
		b, body = appendRecordIn(b, body, r, i.Version)
	}
	return b
}

// DecodeSnapshot reads an image. It keeps nothing of b.
func DecodeSnapshot(b []byte) (*Image, error) {
	d := decoder{b: b}
	format := d.byte()
	index := d.uvarint()
	if d.failed || format != snapshotFormat {
		return nil, fmt.Errorf("decode metadata snapshot: %w: format %d", ErrCorrupt, format)
	}
	image, err := new(Image).afterAll(decodeEach(d.b), index)
	if err != nil {
		return nil, fmt.Errorf("decode metadata snapshot: %w", err)
	}
	return image, nil
}

// Records yields records that make the image from the empty one, in a fixed
// order.
func (i *Image) Records() func(yield func(Record) bool) {
	return func(yield func(Record) bool) {
		_ = i.yieldCluster(yield) && i.yieldBrokers(yield) && i.yieldTopics(yield) && i.yieldConfigs(yield)
	}
}

func (i *Image) yieldCluster(yield func(Record) bool) bool {
	if i.Version != 0 && !yield(&VersionRecord{Version: i.Version}) {
		return false
	}
	if i.ClusterID != "" && !yield(&ClusterRecord{ID: i.ClusterID}) {
		return false
	}
	if i.FlushChanged != 0 && !yield(&FlushChangeRecord{Index: i.FlushChanged}) {
		return false
	}
	return i.NextProducerID == 0 || yield(&ProducerIDsRecord{Next: i.NextProducerID, Node: model.NoNode})
}

func (i *Image) yieldBrokers(yield func(Record) bool) bool {
	for _, b := range i.Brokers.Sorted() {
		if !yield(&RegisterBrokerRecord{Broker: *b}) {
			return false
		}
	}
	return true
}

func (i *Image) yieldTopics(yield func(Record) bool) bool {
	for _, t := range i.Topics.Sorted() {
		if !yield(&TopicRecord{ID: t.ID, Name: t.Name, Internal: t.Internal}) {
			return false
		}
		if t.FlushChanged != 0 && !yield(&FlushChangeRecord{Topic: t.ID, Index: t.FlushChanged}) {
			return false
		}
		for n, p := range t.Partitions {
			if plant.On(plant.SnapshotLacksLost) {
				p.Lost = nil
			}
			if !yield(&PartitionRecord{Topic: t.ID, Index: model.Partition(n), Partition: p}) {
				return false
			}
		}
	}
	return true
}

func (i *Image) yieldConfigs(yield func(Record) bool) bool {
	var resources []Resource
	for r := range i.Configs.All() {
		resources = append(resources, r)
	}
	slices.SortFunc(resources, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
	for _, r := range resources {
		values := i.Configs.Of(r)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if !yield(&ConfigRecord{Resource: r, Name: name, Value: values[name]}) {
				return false
			}
		}
	}
	return true
}

// Sorted is every topic, by name.
func (t Topics) Sorted() []*Topic {
	topics := make([]*Topic, 0, t.Len())
	for topic := range t.All() {
		topics = append(topics, topic)
	}
	slices.SortFunc(topics, func(a, b *Topic) int { return strings.Compare(a.Name, b.Name) })
	return topics
}

// Sorted is every broker, by id.
func (b Brokers) Sorted() []*Broker {
	return slices.SortedFunc(maps.Values(b.byID), func(x, y *Broker) int { return cmp.Compare(x.ID, y.ID) })
}
