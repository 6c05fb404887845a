package partition

import (
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// setStraysAside looks once, at the start, for logs of partitions that were moved to other
// nodes while this one was down. The image is newer than whatever this node has applied
// before, since its registration is in it: what is not this node's in it will not be by
// what it has not seen yet.
func (s *Set) setStraysAside(image *meta.Image) error {
	s.mu.Lock()
	lies := maps.Clone(s.lies)
	s.mu.Unlock()
	for name, at := range lies {
		topic := s.movedAway(name, image)
		if topic == nil {
			continue
		}
		for _, d := range at {
			id, err := storage.ReadTopicID(s.options.FS, d.dir(name))
			if errors.Is(err, fs.ErrNotExist) || err == nil && id != topic.ID {
				continue // none of a log's, or an earlier topic's
			}
			if err == nil {
				err = s.setAside(d.dir(name), "the partition was moved to other nodes")
			}
			if err != nil {
				return err
			}
			s.gone(name, d)
		}
	}
	return nil
}

// movedAway is the topic of a partition that has its replicas elsewhere; nil where that
// is not so.
func (s *Set) movedAway(name model.TopicPartition, image *meta.Image) *meta.Topic {
	topic := image.Topics.ByName(name.Topic)
	if topic == nil || int(name.Partition) >= len(topic.Partitions) || slices.Contains(topic.Partitions[name.Partition].Replicas, s.node) {
		return nil
	}
	return topic
}
