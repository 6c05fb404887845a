package meta

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/chronik/chronik/internal/model"
)

// Apply returns the image after the records of the log's entry at index, and
// what has changed. i stays as it is. An error means that the records do not
// fit the image, and leaves nothing applied.
func (i *Image) Apply(records []Record, index uint64) (*Image, Delta, error) {
	next, err := i.After(records, index)
	if err != nil {
		return nil, Delta{}, err
	}
	return next, Diff(i, next), nil
}

// After is Apply without the delta, for who applies many entries and asks Diff
// once for all of them.
func (i *Image) After(records []Record, index uint64) (*Image, error) {
	return i.afterAll(func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}, index)
}

// afterAll is After for records that come one by one: a snapshot has millions. The first
// error ends it.
func (i *Image) afterAll(records iter.Seq2[Record, error], index uint64) (*Image, error) {
	if index < i.Index {
		return nil, fmt.Errorf("apply entry %d to the metadata as of %d: entries only follow", index, i.Index)
	}
	e, n := newEditor(i, index), 0
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if err = allowed(r, e.next.Version); err == nil {
			err = r.apply(e)
		}
		if err != nil {
			return nil, fmt.Errorf("apply record %d (%T) of metadata entry %d: %w", n, r, index, err)
		}
		n++
	}
	next := e.finish()
	if checking {
		if err := next.Check(); err != nil {
			panic(fmt.Sprintf("metadata entry %d: %v", index, err))
		}
	}
	return next, nil
}

// Build is the image that records add up to, as of index 1 or the greatest
// broker epoch among them: the short way to an image in a test. Where they do not set
// the version it is the newest.
func Build(records ...Record) (*Image, error) {
	index := uint64(1)
	for _, r := range records {
		if b, ok := r.(*RegisterBrokerRecord); ok && b.Epoch > 0 {
			index = max(index, uint64(b.Epoch))
		}
	}
	return (&Image{Version: Newest}).After(records, index)
}

// editor makes the next image. Everything it changes it has copied first, and
// nothing twice.
type editor struct {
	next     Image
	byName   tableEdit[nameKey, *Topic]
	byID     tableEdit[idKey, *Topic]
	byMetric tableEdit[nameKey, *Topic]
	configs  tableEdit[Resource, map[string]string]

	ownTopics  map[model.TopicID]bool
	ownConfigs map[Resource]bool
	ownBrokers bool
}

func newEditor(i *Image, index uint64) *editor {
	e := &editor{
		next:     *i,
		byName:   edit(i.Topics.byName),
		byID:     edit(i.Topics.byID),
		byMetric: edit(i.Topics.byMetric),
		configs:  edit(i.Configs.byResource),
	}
	e.next.Index = index
	return e
}

func (e *editor) finish() *Image {
	e.next.Topics = Topics{byName: e.byName.table, byID: e.byID.table, byMetric: e.byMetric.table}
	e.next.Configs = Configs{byResource: e.configs.table}
	return &e.next
}

// topic is a topic that may be changed.
func (e *editor) topic(id model.TopicID) (*Topic, error) {
	t, ok := e.byID.get(idKey(id))
	if !ok {
		return nil, fmt.Errorf("there is no topic with id %s", id)
	}
	if e.ownTopics[id] {
		return t, nil
	}
	own := *t
	own.Partitions = slices.Clone(t.Partitions)
	e.putTopic(&own)
	return &own, nil
}

func (e *editor) putTopic(t *Topic) {
	if e.ownTopics == nil {
		e.ownTopics = make(map[model.TopicID]bool)
	}
	e.ownTopics[t.ID] = true
	e.byName.set(nameKey(t.Name), t)
	e.byID.set(idKey(t.ID), t)
	if collision, ok := collisionName(t.Name); ok {
		e.byMetric.set(collision, t)
	}
}

// brokers is the map of brokers, which may be changed; the brokers may not.
func (e *editor) brokers() map[model.NodeID]*Broker {
	if !e.ownBrokers {
		e.ownBrokers = true
		e.next.Brokers.byID = maps.Clone(e.next.Brokers.byID)
		if e.next.Brokers.byID == nil {
			e.next.Brokers.byID = make(map[model.NodeID]*Broker)
		}
	}
	return e.next.Brokers.byID
}

// registered is a broker whose registration is of an epoch.
func (e *editor) registered(id model.NodeID, epoch model.BrokerEpoch) (*Broker, error) {
	b := e.next.Brokers.ByID(id)
	if b == nil || b.Epoch != epoch {
		return nil, fmt.Errorf("broker %d is not registered with epoch %d", id, epoch)
	}
	return b, nil
}

func (r *VersionRecord) apply(e *editor) error {
	if !Supported.Contains(r.Version) {
		return &UnsupportedVersionError{Version: r.Version}
	}
	e.next.Version = r.Version
	return nil
}

func (r *ClusterRecord) apply(e *editor) error {
	if e.next.ClusterID != "" && e.next.ClusterID != r.ID {
		return fmt.Errorf("the cluster is %s already", e.next.ClusterID)
	}
	e.next.ClusterID = r.ID
	return nil
}

func (r *TopicRecord) apply(e *editor) error {
	if _, ok := e.byID.get(idKey(r.ID)); ok {
		return fmt.Errorf("there is a topic with id %s already", r.ID)
	}
	if _, ok := e.byName.get(nameKey(r.Name)); ok {
		return fmt.Errorf("there is a topic %q already", r.Name)
	}
	e.putTopic(&Topic{ID: r.ID, Name: r.Name, Internal: r.Internal})
	return nil
}

func (r *PartitionRecord) apply(e *editor) error {
	t, err := e.topic(r.Topic)
	if err != nil {
		return err
	}
	if int(r.Index) != len(t.Partitions) {
		return fmt.Errorf("partition %d of topic %q: the next is %d", r.Index, t.Name, len(t.Partitions))
	}
	if err := r.Partition.check(); err != nil {
		return fmt.Errorf("partition %d of topic %q: %w", r.Index, t.Name, err)
	}
	t.Partitions = append(t.Partitions, r.Partition)
	return nil
}

// changePartition changes a copy of a partition, counts its epoch up, and puts it in the
// place of the one before.
func (e *editor) changePartition(topic model.TopicID, index model.Partition, change func(*Partition)) error {
	t, err := e.topic(topic)
	if err != nil {
		return err
	}
	if index < 0 || int(index) >= len(t.Partitions) {
		return fmt.Errorf("topic %q has no partition %d", t.Name, index)
	}
	p := t.Partitions[index]
	p.PartitionEpoch++
	change(&p)
	if err := p.check(); err != nil {
		return fmt.Errorf("partition %d of topic %q: %w", index, t.Name, err)
	}
	t.Partitions[index] = p
	return nil
}

func (r *PartitionChangeRecord) apply(e *editor) error {
	return e.changePartition(r.Topic, r.Index, r.change)
}

func (r *PartitionChangeRecord) change(p *Partition) {
	if len(r.ISR) > 0 {
		p.ISR = r.ISR
		p.Lost = slices.DeleteFunc(slices.Clone(p.Lost), func(n model.NodeID) bool { return !slices.Contains(p.ISR, n) })
	}
	if r.SetLost {
		p.Lost = r.Lost
	}
	if r.Elect {
		p.Leader = r.Leader
		p.LeaderEpoch++
		p.PreferFirst = r.PreferFirst
	}
}

func (r *ReplicasChangeRecord) apply(e *editor) error {
	return e.changePartition(r.Topic, r.Index, func(p *Partition) {
		p.Replicas, p.Adding, p.Removing = r.Replicas, r.Adding, r.Removing
		p.ISR, p.Lost = ordered(p.ISR, p.Replicas), ordered(p.Lost, p.Replicas)
	})
}

// ordered are those of nodes that are in order, in that order.
func ordered(nodes, order []model.NodeID) []model.NodeID {
	var in []model.NodeID
	for _, n := range order {
		if slices.Contains(nodes, n) {
			in = append(in, n)
		}
	}
	return in
}

func (r *RemoveTopicRecord) apply(e *editor) error {
	t, ok := e.byID.get(idKey(r.ID))
	if !ok {
		return fmt.Errorf("there is no topic with id %s", r.ID)
	}
	e.byName.delete(nameKey(t.Name))
	e.byID.delete(idKey(t.ID))
	if collision, ok := collisionName(t.Name); ok {
		e.byMetric.delete(collision)
	}
	e.configs.delete(Resource{Type: TopicResource, Name: t.Name})
	delete(e.ownConfigs, Resource{Type: TopicResource, Name: t.Name})
	return nil
}

func (r *ConfigRecord) apply(e *editor) error {
	if r.Resource.Type == TopicResource {
		if _, ok := e.byName.get(nameKey(r.Resource.Name)); !ok {
			return fmt.Errorf("there is no topic %q", r.Resource.Name)
		}
	}
	values, _ := e.configs.get(r.Resource)
	if !e.ownConfigs[r.Resource] {
		if e.ownConfigs == nil {
			e.ownConfigs = make(map[Resource]bool)
		}
		e.ownConfigs[r.Resource] = true
		values = maps.Clone(values)
		if values == nil {
			values = make(map[string]string)
		}
	}
	if r.Remove {
		delete(values, r.Name)
	} else {
		values[r.Name] = r.Value
	}
	if len(values) > 0 {
		e.configs.set(r.Resource, values)
		return nil
	}
	e.configs.delete(r.Resource)
	delete(e.ownConfigs, r.Resource)
	return nil
}

func (r *RegisterBrokerRecord) apply(e *editor) error {
	if old := e.next.Brokers.ByID(r.ID); old != nil && old.Epoch >= r.Epoch {
		return fmt.Errorf("broker %d is registered with epoch %d, which %d does not follow", r.ID, old.Epoch, r.Epoch)
	}
	if r.Epoch < 0 || uint64(r.Epoch) > e.next.Index {
		return fmt.Errorf("broker %d: epoch %d is beyond the log", r.ID, r.Epoch)
	}
	broker := r.Broker
	e.brokers()[r.ID] = &broker
	return nil
}

func (r *BrokerChangeRecord) apply(e *editor) error {
	b, err := e.registered(r.ID, r.Epoch)
	if err != nil {
		return err
	}
	changed := *b
	changed.Fenced, changed.Leaving = r.Fenced, r.Leaving
	if b.Fenced && !r.Fenced {
		changed.UnsyncedSince, changed.RelaxedBefore = b.Epoch, false
	}
	e.brokers()[r.ID] = &changed
	return nil
}

func (r *UnregisterBrokerRecord) apply(e *editor) error {
	if _, err := e.registered(r.ID, r.Epoch); err != nil {
		return err
	}
	delete(e.brokers(), r.ID)
	return nil
}

func (r *ProducerIDsRecord) apply(e *editor) error {
	if r.Next < e.next.NextProducerID {
		return fmt.Errorf("producer ids below %d are handed out, not below %d", e.next.NextProducerID, r.Next)
	}
	e.next.NextProducerID = r.Next
	return nil
}

func (r *FlushChangeRecord) apply(e *editor) error {
	if r.Index > e.next.Index {
		return fmt.Errorf("settings changed at %d, which is beyond the log", r.Index)
	}
	if r.Topic.IsZero() {
		e.next.FlushChanged = r.Index
		return nil
	}
	t, err := e.topic(r.Topic)
	if err != nil {
		return err
	}
	t.FlushChanged = r.Index
	return nil
}
