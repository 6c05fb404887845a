package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Permissions: a broker's data are its user's alone.
const (
	filePerm fs.FileMode = 0o640
	dirPerm  fs.FileMode = 0o750
)

// OS returns the operating system's file system. Names are its paths.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (osFS) Open(name string) (File, error) { return openOS(name, os.O_RDONLY) }

func (osFS) OpenReadWrite(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE)
}

func openOS(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, filePerm)
	if err != nil {
		return nil, err
	}
	return &osFile{f: f, fd: f.Fd()}, nil
}

func (osFS) Remove(name string) error             { return os.Remove(name) }
func (osFS) RemoveAll(name string) error          { return os.RemoveAll(name) }
func (osFS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }
func (osFS) MkdirAll(dir string) error            { return os.MkdirAll(dir, dirPerm) }

func (osFS) ReadDir(dir string) ([]Info, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		i, err := e.Info()
		if os.IsNotExist(err) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, infoOf(i))
	}
	return infos, nil
}

func (osFS) Stat(name string) (Info, error) {
	i, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	return infoOf(i), nil
}

func infoOf(i fs.FileInfo) Info {
	info := Info{Name: i.Name(), ModTime: i.ModTime(), IsDir: i.IsDir()}
	if !info.IsDir {
		info.Size = i.Size()
	}
	return info
}

func (osFS) SyncDir(dir string) error { return syncDir(filepath.Clean(dir)) }

func (osFS) Volume(dir string) (Volume, error) { return openVolume(filepath.Clean(dir)) }

func (osFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(&fs.PathError{Op: "lock", Path: name, Err: err}, f.Close())
	}
	return f, nil // the lock goes with the last descriptor
}

func (osFS) Usage(dir string) (Usage, error) {
	u, err := diskUsage(dir)
	if err != nil {
		return Usage{}, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return u, nil
}

type osFile struct {
	f  *os.File
	fd uintptr // of f: ReadCached, which is called for every read, has no time for more
}

func (f *osFile) ReadAt(p []byte, off int64) (int, error)  { return f.f.ReadAt(p, off) }
func (f *osFile) ReadCached(p []byte, off int64) int       { return readCached(f, p, off) }
func (f *osFile) NoReadAhead()                             { noReadAhead(f.f) }
func (f *osFile) Forget(off, length int64)                 { forget(f.f, off, length) }
func (f *osFile) WriteAt(p []byte, off int64) (int, error) { return f.f.WriteAt(p, off) }
func (f *osFile) Close() error                             { return f.f.Close() }
func (f *osFile) Truncate(size int64) error                { return f.f.Truncate(size) }
func (f *osFile) Sync() error                              { return f.f.Sync() }

func (f *osFile) Size() (int64, error) {
	i, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return i.Size(), nil
}

func (f *osFile) SyncData() error {
	if err := syncData(f.f); err != nil {
		return &fs.PathError{Op: "fdatasync", Path: f.f.Name(), Err: err}
	}
	return nil
}

func (f *osFile) Preallocate(offset, length int64) error {
	if err := preallocate(f.f, offset, length); err != nil {
		return &fs.PathError{Op: "fallocate", Path: f.f.Name(), Err: err}
	}
	return nil
}

// OSFile returns the operating system's file behind f, for sendfile; false where
// there is none.
func OSFile(f File) (*os.File, bool) {
	if o, ok := f.(*osFile); ok {
		return o.f, true
	}
	return nil, false
}
