package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// tempSuffix marks a file that WriteFileAtomically has not finished.
const tempSuffix = ".tmp"

// TooLargeError: a file is larger than its kind may be.
type TooLargeError struct {
	Name         string
	Bytes, Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, and its kind at most %d", e.Name, e.Bytes, e.Limit)
}

// WriteFileAtomically replaces a small file. A crash at any point leaves the
// old content or the new, never a mixture: the new bytes are synced under
// another name before the rename, and the rename before this returns.
func WriteFileAtomically(fsys FS, name string, data []byte) error {
	temp := name + tempSuffix
	if err := createSynced(fsys, temp, data); err != nil {
		return fmt.Errorf("write %s: %w", temp, err)
	}
	if err := fsys.Rename(temp, name); err != nil {
		return fmt.Errorf("rename %s: %w", temp, err)
	}
	if err := fsys.SyncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("sync directory of %s: %w", name, err)
	}
	return nil
}

// WriteFileAside is WriteFileAtomically for who writes many files and syncs their file
// system as a whole (Volume), twice: before any of the renames that it returns is called,
// and after the last.
func WriteFileAside(fsys FS, name string, data []byte) (rename func() error, err error) {
	temp := name + tempSuffix
	if err := create(fsys, temp, data, func(File) error { return nil }); err != nil {
		return nil, fmt.Errorf("write %s: %w", temp, err)
	}
	return func() error {
		if err := fsys.Rename(temp, name); err != nil {
			return fmt.Errorf("rename %s: %w", temp, err)
		}
		return nil
	}, nil
}

// createSynced makes a file with this content, synced; its name is not.
func createSynced(fsys FS, name string, data []byte) error {
	return create(fsys, name, data, File.SyncData)
}

func create(fsys FS, name string, data []byte, sync func(File) error) (err error) {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if len(data) > 0 {
		if _, err := f.WriteAt(data, 0); err != nil {
			return err
		}
	}
	return sync(f)
}

// ReadFile reads a small file whole; one of more than bytesMax is a
// *TooLargeError, before anything is allocated for it.
func ReadFile(fsys FS, name string, bytesMax int64) (data []byte, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > bytesMax {
		return nil, &TooLargeError{Name: name, Bytes: size, Limit: bytesMax}
	}
	data = make([]byte, size)
	if n, err := f.ReadAt(data, 0); err != nil && !(errors.Is(err, io.EOF) && n == len(data)) {
		return nil, err
	}
	return data, nil
}

// MkdirAllSynced makes a directory and its parents, and makes those that were
// not there durable: a power loss must not take a data directory away with all
// that was synced in it.
func MkdirAllSynced(fsys FS, dir string) error {
	dir = filepath.Clean(dir)
	var missing []string // the innermost first
	for at := dir; ; at = filepath.Dir(at) {
		_, err := fsys.Stat(at)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, at)
		if filepath.Dir(at) == at {
			break
		}
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	for _, made := range missing {
		if err := fsys.SyncDir(filepath.Dir(made)); err != nil {
			return fmt.Errorf("sync directory of %s: %w", made, err)
		}
	}
	return nil
}
