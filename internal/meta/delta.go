package meta

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/model"
)

// Delta is what differs between two images. A topic that came and went between
// them is not in it; one that was deleted and created again is in Deleted as it
// was and in Created as it is. All lists are sorted.
type Delta struct {
	Created []*Topic // with all their partitions
	Deleted []*Topic // as they were
	Changed []TopicChange
	// Configs are the resources whose settings differ, a created or deleted
	// topic's among them.
	Configs []Resource
	// Brokers are those that registered, changed or went.
	Brokers []model.NodeID
	// Cluster is set where the cluster's id or metadata version differ.
	Cluster bool
}

// TopicChange names the partitions of a topic that are new or differ.
type TopicChange struct {
	Topic      *Topic // as it is now
	Partitions []model.Partition
}

// Empty reports whether nothing differs that a Delta tells.
func (d *Delta) Empty() bool {
	return len(d.Created)+len(d.Deleted)+len(d.Changed)+len(d.Configs)+len(d.Brokers) == 0 && !d.Cluster
}

// Diff compares two images, of which either may be nil for the empty one. It
// costs what differs, not what there is, where next was made from old.
func Diff(old, next *Image) Delta {
	if old == nil {
		old = new(Image)
	}
	if next == nil {
		next = new(Image)
	}
	d := Delta{Cluster: old.ClusterID != next.ClusterID || old.Version != next.Version}
	d.diffTopics(old, next)
	old.Configs.byResource.compare(next.Configs.byResource, func(r Resource, was, is map[string]string, _, _ bool) {
		if !maps.Equal(was, is) {
			d.Configs = append(d.Configs, r)
		}
	})
	slices.SortFunc(d.Configs, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), strings.Compare(a.Name, b.Name))
	})
	d.diffBrokers(old.Brokers.byID, next.Brokers.byID)
	return d
}

func (d *Delta) diffTopics(old, next *Image) {
	old.Topics.byID.compare(next.Topics.byID, func(_ idKey, was, is *Topic, hadOld, hasNew bool) {
		switch {
		case !hadOld:
			d.Created = append(d.Created, is)
		case !hasNew:
			d.Deleted = append(d.Deleted, was)
		case was != is:
			if changed := changedPartitions(was, is); len(changed) > 0 {
				d.Changed = append(d.Changed, TopicChange{Topic: is, Partitions: changed})
			}
		}
	})
	byName := func(a, b *Topic) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(d.Created, byName)
	slices.SortFunc(d.Deleted, byName)
	slices.SortFunc(d.Changed, func(a, b TopicChange) int { return byName(a.Topic, b.Topic) })
}

func changedPartitions(was, is *Topic) []model.Partition {
	var changed []model.Partition
	for i := range is.Partitions {
		if i >= len(was.Partitions) || !was.Partitions[i].Equal(&is.Partitions[i]) {
			changed = append(changed, model.Partition(i))
		}
	}
	return changed
}

func (d *Delta) diffBrokers(old, next map[model.NodeID]*Broker) {
	for id, is := range next {
		if was := old[id]; was == nil || was != is && !reflect.DeepEqual(was, is) {
			d.Brokers = append(d.Brokers, id)
		}
	}
	for id := range old {
		if next[id] == nil {
			d.Brokers = append(d.Brokers, id)
		}
	}
	slices.Sort(d.Brokers)
}
