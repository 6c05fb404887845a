package storage

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"path/filepath"
	"sort"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// survey is what a partition's directory was found to hold.
type survey struct {
	sizes     map[string]int64 // of every file
	segments  []model.Offset   // bases of the .log files, ascending
	snapshots []model.Offset   // ascending
	removed   int              // leftovers
}

// surveyDir lists a partition's directory, making it where it does not exist,
// and clears away what an interrupted delete, cleaning or swap has left.
func surveyDir(fs vfs.FS, dir string) (*survey, error) {
	if _, err := fs.Stat(dir); errors.Is(err, iofs.ErrNotExist) {
		if err := fs.MkdirAll(dir); err != nil {
			return nil, err
		}
		if err := fs.SyncDir(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	s := &survey{}
	if err := s.list(fs, dir); err != nil {
		return nil, err
	}
	n, err := finishSwaps(fs, dir, s.sizes)
	if err != nil {
		return nil, fmt.Errorf("finish interrupted cleaning: %w", err)
	}
	s.removed += n
	if n > 0 {
		if err := s.list(fs, dir); err != nil {
			return nil, err
		}
	}
	return s, s.clear(fs, dir)
}

func (s *survey) list(fs vfs.FS, dir string) error {
	entries, err := fs.ReadDir(dir)
	if err != nil {
		return err
	}
	s.sizes, s.segments, s.snapshots = make(map[string]int64, len(entries)), nil, nil
	for _, e := range entries {
		if e.IsDir {
			continue
		}
		s.sizes[e.Name] = e.Size
		base, suffix, ok := parseName(e.Name)
		switch {
		case ok && suffix == logSuffix:
			s.segments = append(s.segments, base)
		case ok && suffix == snapshotSuffix:
			s.snapshots = append(s.snapshots, base)
		}
	}
	ascending := func(o []model.Offset) { sort.Slice(o, func(i, j int) bool { return o[i] < o[j] }) }
	ascending(s.segments)
	ascending(s.snapshots)
	return nil
}

// clear removes leftovers: what was deleted, temporary files, and indexes
// without a segment. Files of other names are nobody's business here.
func (s *survey) clear(fs vfs.FS, dir string) error {
	for name := range s.sizes {
		if !s.leftover(name) {
			continue
		}
		if err := removeIfExists(fs, filepath.Join(dir, name)); err != nil {
			return err
		}
		delete(s.sizes, name)
		s.removed++
	}
	return nil
}

func (s *survey) leftover(name string) bool {
	base, suffix, ok := parseName(name)
	switch {
	case strings.HasSuffix(name, deletedSuffix), strings.HasSuffix(name, tempSuffix):
		return true
	case !ok:
		return false
	case suffix == indexSuffix, suffix == timeSuffix, suffix == txnSuffix:
		_, hasLog := s.sizes[baseName(base)+logSuffix]
		return !hasLog
	}
	return false
}
