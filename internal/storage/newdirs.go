package storage

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// NewDir is the directory of a new partition.
type NewDir struct {
	Name  string // in the data directory
	Topic model.TopicID
}

// MakeDirs makes directories with their partition.metadata, durable when it returns: of a
// log whose records are synced, the directory must not be what a power loss takes.
//
// Many share two syncs of the file system, where it can be synced as a whole: the first
// makes the contents durable under another name, the second the names. A crash leaves a
// directory with a partition.metadata that is whole, or without one, which is one that is
// yet to be made. By themselves they take three syncs each. After an error any of them may
// be there, and may be made again.
func (d *Disk) MakeDirs(dirs []NewDir) (err error) {
	if err := d.Err(); err != nil {
		return err
	}
	if len(dirs) < togetherMin {
		return d.makeDirsAlone(dirs)
	}
	volume, err := d.fs.Volume(d.dir)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return d.makeDirsAlone(dirs)
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, volume.Close()) }()
	finish := make([]func() error, len(dirs))
	for i, dir := range dirs {
		path := filepath.Join(d.dir, dir.Name)
		if err := d.fs.MkdirAll(path); err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
		if finish[i], err = vfs.WriteFileAside(d.fs, filepath.Join(path, metadataFile), formatTopicID(dir.Topic)); err != nil {
			return err
		}
	}
	if err := volume.Sync(); err != nil {
		return d.fail("sync directories of new partitions", err)
	}
	for _, rename := range finish {
		if err := rename(); err != nil { // what others are called may not be durable
			return d.fail("make directories of new partitions", err)
		}
	}
	if err := volume.Sync(); err != nil {
		return d.fail("sync directories of new partitions", err)
	}
	return nil
}

func (d *Disk) makeDirsAlone(dirs []NewDir) error {
	for _, dir := range dirs {
		path := filepath.Join(d.dir, dir.Name)
		if err := d.fs.MkdirAll(path); err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
		if err := WriteTopicID(d.fs, path, dir.Topic); err != nil {
			return err
		}
	}
	if err := d.fs.SyncDir(d.dir); err != nil { // what is there is found to be made by the next look
		return d.fail("sync "+d.dir, err)
	}
	return nil
}
