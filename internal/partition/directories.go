package partition

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// Directory is a log directory: it holds partitions.
type Directory struct {
	Path string
	Name string // the path as clients are told
	Disk *storage.Disk
	// CleanShutdown: the last process closed every log in it in order.
	CleanShutdown bool
}

// directory is a Directory, and how much there is in it.
type directory struct {
	Directory
	// held is how many partitions lie here, open or not, as Set.lies has them. Set.mu
	// guards it.
	held int
	// queue are the logs that are to move here, in order. Set.mu guards it; wake, of
	// capacity 1, tells of it.
	queue []*move
	wake  chan struct{}
}

// dir is where a partition lies, or would.
func (d *directory) dir(name model.TopicPartition) string {
	return filepath.Join(d.Path, name.String())
}

// survey looks for the partitions in the directories, at the start.
func (s *Set) survey() error {
	lies := make(map[model.TopicPartition][]*directory)
	for _, d := range s.directories {
		entries, err := s.options.FS.ReadDir(d.Path)
		if err != nil {
			return fmt.Errorf("look for partitions in %s: %w", d.Path, err)
		}
		for _, e := range entries {
			if err := s.removeFuture(d, e.Name); err != nil {
				return err
			}
			if name, ok := storage.ParsePartitionDir(e.Name); ok && e.IsDir && e.Name != metadataLog {
				lies[name] = append(lies[name], d)
			}
		}
	}
	for name, at := range lies {
		rest, err := s.endTakeover(name, at)
		if err != nil {
			return err
		}
		lies[name] = rest
		if err := s.unique(name, rest); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, at := range lies {
		for _, d := range at {
			s.liesLocked(name, d)
		}
	}
	return nil
}

// metadataLog lies in the data directory, and is none of the set's.
const metadataLog = "__cluster_metadata-0"

// unique: of one topic's partition there is one log. Which of several has what was
// acknowledged is not for this node to guess.
func (s *Set) unique(name model.TopicPartition, at []*directory) error {
	topics := make(map[model.TopicID]*directory)
	for _, d := range at {
		topic, err := storage.ReadTopicID(s.options.FS, d.dir(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if other := topics[topic]; other != nil {
			return fmt.Errorf("%s lies in %s and in %s: find out which is the one to keep, and rename the other directory", name, other.Name, d.Name)
		}
		topics[topic] = d
	}
	return nil
}

// settle finds the directory of a partition's log, after making sure that what lies there
// is this topic's and not an older one's of the same name, or chooses one and makes room
// for it there.
func (s *Set) settle(to *placement) (*directory, error) {
	s.mu.Lock()
	lies := s.lies[to.name]
	s.mu.Unlock()
	for _, d := range lies {
		topic, err := storage.ReadTopicID(s.options.FS, d.dir(to.name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return d, s.makeNew(to, d)
		case err != nil:
			return nil, err
		case topic == to.topic:
			return d, nil
		}
		if err := s.setAside(d.dir(to.name), "it belongs to an earlier topic of that name"); err != nil {
			return nil, err
		}
		s.gone(to.name, d)
	}
	d := s.choose(to.name)
	return d, s.makeNew(to, d)
}

// choose takes the directory that was asked for, or else the one with the fewest
// partitions, as Kafka does.
func (s *Set) choose(name model.TopicPartition) *directory {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.preferred[name]
	if d == nil {
		d = slices.MinFunc(s.directories, func(a, b *directory) int { return a.held - b.held })
	}
	delete(s.preferred, name)
	s.liesLocked(name, d)
	return d
}

// makeNew makes a partition's directory, durably before the log in it holds a record.
func (s *Set) makeNew(to *placement, d *directory) error {
	if err := s.forget(to, d); err != nil {
		return err
	}
	return d.Disk.MakeDirs([]storage.NewDir{{Name: to.name.String(), Topic: to.topic}})
}

// forget makes it durable that nothing is known of a partition whose directory is not
// there.
func (s *Set) forget(to *placement, d *directory) error {
	return errors.Join(s.normals.forget(normalKey{to.topic, to.name.Partition}), d.Disk.Forget(to.name))
}

// liesLocked notes that a partition is in a directory.
func (s *Set) liesLocked(name model.TopicPartition, d *directory) {
	s.lies[name] = append(slices.Clip(s.lies[name]), d)
	d.held++
}

// gone notes that a partition is not in a directory any more.
func (s *Set) gone(name model.TopicPartition, d *directory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goneLocked(name, d)
}

func (s *Set) goneLocked(name model.TopicPartition, d *directory) {
	d.held--
	rest := slices.DeleteFunc(slices.Clone(s.lies[name]), func(other *directory) bool { return other == d })
	if len(rest) == 0 {
		delete(s.lies, name)
	} else {
		s.lies[name] = rest
	}
}
