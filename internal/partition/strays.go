package partition

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// setStraysAside looks once, at the start, for logs of partitions that were moved to other
// nodes while this one was down. The image is newer than whatever this node has applied
// before, since its registration is in it: what is not this node's in it will not be by
// what it has not seen yet.
func (s *Set) setStraysAside(image *meta.Image) error {
	entries, err := s.options.FS.ReadDir(s.options.Dir)
	if err != nil {
		return fmt.Errorf("look for logs that were moved away: %w", err)
	}
	for _, e := range entries {
		topic := s.movedAway(e.Name, image)
		if !e.IsDir || topic == nil {
			continue
		}
		dir := filepath.Join(s.options.Dir, e.Name)
		id, err := storage.ReadTopicID(s.options.FS, dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && id != topic.ID {
			continue // none of a log's, or an earlier topic's
		}
		if err == nil {
			err = s.setAside(dir, "the partition was moved to other nodes")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// movedAway is the topic of a directory whose partition has its replicas elsewhere; nil
// where that is not so.
func (s *Set) movedAway(dir string, image *meta.Image) *meta.Topic {
	at := strings.LastIndexByte(dir, '-')
	if at < 0 {
		return nil
	}
	number, err := strconv.Atoi(dir[at+1:])
	topic := image.Topics.ByName(dir[:at])
	if err != nil || topic == nil || number < 0 || number >= len(topic.Partitions) ||
		dir != (model.TopicPartition{Topic: topic.Name, Partition: model.Partition(number)}).String() ||
		slices.Contains(topic.Partitions[number].Replicas, s.node) {
		return nil
	}
	return topic
}
