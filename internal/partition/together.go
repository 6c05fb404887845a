package partition

import (
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// withinLimit leaves out those for whose logs there are no files left: they are offline,
// where a process out of files could neither take a connection nor begin a segment.
func (s *Set) withinLimit(placements []placement) []placement {
	if s.options.LogsMax == 0 {
		return placements
	}
	s.mu.RLock()
	logs := len(s.open)
	s.mu.RUnlock()
	return slices.DeleteFunc(placements, func(to placement) bool {
		if s.Get(to.name) != nil {
			return false
		}
		if logs < s.options.LogsMax {
			logs++
			return false
		}
		s.setOffline(to.name, fmt.Errorf("%w: %d are open, each with a file; raise the limit of open files for this process (ulimit -n, or LimitNOFILE= of its systemd unit), and restart it", ErrTooManyLogs, logs))
		return true
	})
}

// makeDirs makes the directories of new partitions together: a topic of 10,000 would
// otherwise take three syncs for each of them. What it does not make, openLog does by
// itself, and finds out why not.
func (s *Set) makeDirs(placements []placement) {
	var fresh []*placement
	for i := range placements {
		to := &placements[i]
		s.mu.Lock()
		if s.open[to.name] == nil && len(s.lies[to.name]) == 0 {
			fresh = append(fresh, to)
		}
		s.mu.Unlock()
	}
	if len(fresh) < 2 {
		return
	}
	in := make(map[*directory][]*placement)
	for _, to := range fresh {
		d := s.choose(to.name)
		if s.forget(to, d) == nil {
			in[d] = append(in[d], to)
		}
	}
	for d, fresh := range in {
		dirs := make([]storage.NewDir, len(fresh))
		for i, to := range fresh {
			dirs[i] = storage.NewDir{Name: to.name.String(), Topic: to.topic}
		}
		if d.Disk.MakeDirs(dirs) != nil {
			continue // who of them is the reason is found out one by one
		}
		for _, to := range fresh {
			to.made = d
		}
	}
}

// departed are the open partitions that a delta takes from this node.
func (s *Set) departed(delta meta.Delta) []model.TopicPartition {
	var all []model.TopicPartition
	for _, topic := range delta.Deleted {
		for _, number := range partitionNumbers(topic) {
			all = append(all, model.TopicPartition{Topic: topic.Name, Partition: number})
		}
	}
	for _, change := range delta.Changed {
		for _, number := range change.Partitions {
			if !slices.Contains(change.Topic.Partitions[number].Replicas, s.node) { // it has been moved elsewhere
				all = append(all, model.TopicPartition{Topic: change.Topic.Name, Partition: number})
			}
		}
	}
	return all
}

// remove deletes partitions that are not this node's any more, where they were.
func (s *Set) remove(names []model.TopicPartition) {
	in := make(map[*directory][]*Partition)
	for _, name := range names {
		s.mu.Lock()
		p := s.closedLocked(name)
		delete(s.offline, name)
		s.mu.Unlock()
		if p == nil {
			continue
		}
		p.fail(ErrClosed)
		s.normals.drop(p.normalKey())
		s.options.Peers.Forget(p)
		if p.State().Leading {
			s.tell(RoleChange{Name: name, Epoch: p.State().LeaderEpoch})
		}
		s.stopMove(p)
		p.moving.Lock()
		defer p.moving.Unlock()
		in[p.home.Load()] = append(in[p.home.Load()], p)
	}
	for d, partitions := range in {
		logs := make([]*storage.Log, len(partitions))
		for i, p := range partitions {
			logs[i] = p.log()
		}
		if err := d.Disk.Delete(logs...); err != nil {
			s.logger.Warn("Deleting partitions' logs did not work; the next start sets them aside", "dir", d.Name, "error", err)
			continue
		}
		for _, p := range partitions {
			s.gone(p.name, d)
		}
	}
}
