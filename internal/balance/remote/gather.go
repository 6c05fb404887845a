package remote

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/model"
)

// state is what the brokers have told.
type state struct {
	cluster balance.Cluster
	racks   map[model.NodeID]string
	remarks []string
}

// sizes are the bytes of replicas: by broker, topic and partition.
type sizes map[int32]map[string]map[int32]int64

// gather asks for all that a plan is made of.
func (o *session) gather(ctx context.Context) (*state, error) {
	metadata, err := o.admin.Metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the metadata: %w", err)
	}
	for _, t := range o.Topics {
		if !metadata.Topics.Has(t) {
			return nil, fmt.Errorf("--topics: there is no topic %q", t)
		}
	}
	s := &state{racks: make(map[model.NodeID]string)}
	first, rooms, err := o.logDirs(ctx)
	if err != nil {
		return nil, err
	}
	s.addBrokers(metadata.Brokers, rooms, o.Empty)
	rates, err := o.rates(ctx, first)
	if err != nil {
		return nil, err
	}
	moving, err := o.moving(ctx, nil)
	if err != nil {
		return nil, err
	}
	if len(moving) > 0 {
		s.remarks = append(s.remarks, fmt.Sprintf("%d partitions are being reassigned already; they stay as they are asked to be", len(moving)))
	}
	s.addPartitions(metadata.Topics, first, rates, moving, o.Topics)
	return s, nil
}

// logDirs are what brokers store, and how much more they may.
func (o *session) logDirs(ctx context.Context) (sizes, map[int32]int64, error) {
	answers, err := o.admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("ask for the sizes of logs: %w", err)
	}
	stored, rooms := make(sizes), make(map[int32]int64)
	for broker, dirs := range answers {
		stored[broker] = make(map[string]map[int32]int64)
		for _, d := range dirs {
			if d.Err != nil {
				return nil, nil, fmt.Errorf("ask broker %d for the sizes in %s: %w", broker, d.Dir, d.Err)
			}
			switch {
			case d.TotalBytes < 0:
				rooms[broker] = -1
			case rooms[broker] >= 0:
				rooms[broker] += max(0, d.UsableBytes-d.TotalBytes/roomShare)
			}
			for topic, partitions := range d.Topics {
				if stored[broker][topic] == nil {
					stored[broker][topic] = make(map[int32]int64)
				}
				for _, p := range partitions {
					stored[broker][topic][p.Partition] += p.Size
				}
			}
		}
	}
	return stored, rooms, nil
}

// rates measures how fast logs grow: nil where it is not to. What retention deletes
// meanwhile is not seen.
func (o *session) rates(ctx context.Context, first sizes) (sizes, error) {
	if o.Sample <= 0 {
		return nil, nil
	}
	began := time.Now()
	select {
	case <-time.After(o.Sample):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	second, _, err := o.logDirs(ctx)
	if err != nil {
		return nil, err
	}
	seconds := time.Since(began).Seconds()
	for broker, topics := range second {
		for topic, partitions := range topics {
			for p, size := range partitions {
				before, ok := first[broker][topic][p]
				if !ok {
					before = size
				}
				partitions[p] = int64(float64(max(0, size-before)) / seconds)
			}
		}
	}
	return second, nil
}

// moving are the partitions with replicas that come or go, of some or of all.
func (o *session) moving(ctx context.Context, of kadm.TopicsSet) (map[model.TopicPartition]bool, error) {
	answers, err := o.admin.ListPartitionReassignments(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("ask for what is being reassigned: %w", err)
	}
	moving := make(map[model.TopicPartition]bool)
	for topic, partitions := range answers {
		for p := range partitions {
			moving[model.TopicPartition{Topic: topic, Partition: model.Partition(p)}] = true
		}
	}
	return moving, nil
}

func (s *state) addBrokers(up kadm.BrokerDetails, rooms map[int32]int64, empty []model.NodeID) {
	for _, b := range up {
		id, rack := model.NodeID(b.NodeID), ""
		if b.Rack != nil {
			rack = *b.Rack
		}
		room, ok := rooms[b.NodeID]
		if !ok {
			room = -1
		}
		if room == 0 {
			s.remarks = append(s.remarks, fmt.Sprintf("less than a %dth of the disk of broker %d is free: it is given nothing", roomShare, id))
		}
		s.racks[id] = rack
		s.cluster.Brokers = append(s.cluster.Brokers, balance.Broker{ID: id, Rack: rack, Alive: true, Empty: slices.Contains(empty, id), RoomBytes: room})
	}
	for _, id := range empty {
		if _, ok := s.racks[id]; !ok {
			s.remarks = append(s.remarks, fmt.Sprintf("broker %d is not there; what is on it is copied from others", id))
			s.racks[id] = ""
			s.cluster.Brokers = append(s.cluster.Brokers, balance.Broker{ID: id, Empty: true, RoomBytes: -1})
		}
	}
	slices.SortFunc(s.cluster.Brokers, func(a, b balance.Broker) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *state) addPartitions(topics kadm.TopicDetails, stored, rates sizes, moving map[model.TopicPartition]bool, only []string) {
	lagging, down := 0, make(map[model.NodeID]bool)
	for _, t := range topics.Sorted() {
		for _, d := range t.Partitions.Sorted() {
			p := balance.Partition{
				Name: model.TopicPartition{Topic: t.Topic, Partition: model.Partition(d.Partition)}, Leader: model.NodeID(d.Leader),
			}
			p.Fixed = moving[p.Name] || len(only) > 0 && !slices.Contains(only, t.Topic)
			for _, r := range d.Replicas {
				p.Replicas = append(p.Replicas, model.NodeID(r))
				if _, ok := s.racks[model.NodeID(r)]; !ok {
					down[model.NodeID(r)] = true
				}
			}
			if len(p.Replicas) == 0 { // the topic is being deleted
				continue
			}
			if len(d.ISR) < len(d.Replicas) {
				lagging++
			}
			// The leader's, where that is known: a follower may not have all yet.
			p.Bytes, p.In = stored[d.Leader][t.Topic][d.Partition], rates[d.Leader][t.Topic][d.Partition]
			if d.Leader < 0 {
				for _, r := range d.Replicas {
					p.Bytes = max(p.Bytes, stored[r][t.Topic][d.Partition])
				}
			}
			s.cluster.Partitions = append(s.cluster.Partitions, p)
		}
	}
	if lagging > 0 {
		s.remarks = append(s.remarks, fmt.Sprintf("%d partitions have replicas that are not in sync; wait until they are, unless a broker is to be replaced", lagging))
	}
	if len(down) > 0 {
		var ids []string
		for id := range down {
			ids = append(ids, fmt.Sprint(id))
		}
		slices.Sort(ids)
		s.remarks = append(s.remarks, fmt.Sprintf("brokers that are down keep what they have: %s; --empty moves it to others", strings.Join(ids, ", ")))
	}
}
