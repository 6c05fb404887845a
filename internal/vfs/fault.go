package vfs

import (
	"errors"
	"io"
)

// OpKind says what an operation does.
type OpKind string

// The operations of FS and File.
const (
	OpCreate        OpKind = "create"
	OpOpen          OpKind = "open"
	OpOpenReadWrite OpKind = "openreadwrite"
	OpRemove        OpKind = "remove"
	OpRemoveAll     OpKind = "removeall"
	OpRename        OpKind = "rename"
	OpMkdirAll      OpKind = "mkdirall"
	OpReadDir       OpKind = "readdir"
	OpStat          OpKind = "stat"
	OpSyncDir       OpKind = "syncdir"
	OpVolume        OpKind = "volume"
	OpSyncVolume    OpKind = "syncvolume"
	OpLock          OpKind = "lock"
	OpUsage         OpKind = "usage"
	OpRead          OpKind = "read"
	OpWrite         OpKind = "write"
	OpClose         OpKind = "close"
	OpSize          OpKind = "size"
	OpTruncate      OpKind = "truncate"
	OpSyncData      OpKind = "syncdata"
	OpSync          OpKind = "sync"
	OpPreallocate   OpKind = "preallocate"
)

// Changes tells whether operations of the kind change what is stored.
func (k OpKind) Changes() bool {
	switch k {
	case OpOpen, OpVolume, OpReadDir, OpStat, OpUsage, OpRead, OpClose, OpSize:
		return false
	default:
		return true
	}
}

// Op is an operation that is about to be done.
type Op struct {
	Kind    OpKind
	Name    string
	NewName string // of OpRename
	Offset  int64  // of OpRead, OpWrite, OpPreallocate
	Size    int64  // of those, in bytes; of OpTruncate, the new length
}

// ShortError lets a part of a write or read through: its first Bytes are done,
// and Err is the result.
type ShortError struct {
	Bytes int
	Err   error
}

func (e *ShortError) Error() string { return "short: " + e.Err.Error() }
func (e *ShortError) Unwrap() error { return e.Err }

// NewFaulty wraps a file system. before is called ahead of each operation, from
// whatever goroutine does it; if it returns an error the operation is not done
// and that is its result, but for a *ShortError. To crash after n operations,
// clone a Mem in before.
func NewFaulty(fs FS, before func(Op) error) FS { return &faultyFS{fs: fs, before: before} }

type faultyFS struct {
	fs     FS
	before func(Op) error
}

func (f *faultyFS) open(kind OpKind, name string, open func(string) (File, error)) (File, error) {
	if err := f.before(Op{Kind: kind, Name: name}); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f: file, name: name, before: f.before}, nil
}

func (f *faultyFS) Create(name string) (File, error) { return f.open(OpCreate, name, f.fs.Create) }
func (f *faultyFS) Open(name string) (File, error)   { return f.open(OpOpen, name, f.fs.Open) }

func (f *faultyFS) OpenReadWrite(name string) (File, error) {
	return f.open(OpOpenReadWrite, name, f.fs.OpenReadWrite)
}

func (f *faultyFS) do(kind OpKind, name string, do func(string) error) error {
	if err := f.before(Op{Kind: kind, Name: name}); err != nil {
		return err
	}
	return do(name)
}

func (f *faultyFS) Remove(name string) error    { return f.do(OpRemove, name, f.fs.Remove) }
func (f *faultyFS) RemoveAll(name string) error { return f.do(OpRemoveAll, name, f.fs.RemoveAll) }
func (f *faultyFS) MkdirAll(dir string) error   { return f.do(OpMkdirAll, dir, f.fs.MkdirAll) }
func (f *faultyFS) SyncDir(dir string) error    { return f.do(OpSyncDir, dir, f.fs.SyncDir) }

func (f *faultyFS) Rename(oldName, newName string) error {
	if err := f.before(Op{Kind: OpRename, Name: oldName, NewName: newName}); err != nil {
		return err
	}
	return f.fs.Rename(oldName, newName)
}

func (f *faultyFS) ReadDir(dir string) ([]Info, error) {
	if err := f.before(Op{Kind: OpReadDir, Name: dir}); err != nil {
		return nil, err
	}
	return f.fs.ReadDir(dir)
}

func (f *faultyFS) Stat(name string) (Info, error) {
	if err := f.before(Op{Kind: OpStat, Name: name}); err != nil {
		return Info{}, err
	}
	return f.fs.Stat(name)
}

func (f *faultyFS) Lock(name string) (io.Closer, error) {
	if err := f.before(Op{Kind: OpLock, Name: name}); err != nil {
		return nil, err
	}
	return f.fs.Lock(name)
}

func (f *faultyFS) Volume(dir string) (Volume, error) {
	if err := f.before(Op{Kind: OpVolume, Name: dir}); err != nil {
		return nil, err
	}
	v, err := f.fs.Volume(dir)
	if err != nil {
		return nil, err
	}
	return &faultyVolume{v, dir, f.before}, nil
}

type faultyVolume struct {
	Volume
	name   string
	before func(Op) error
}

func (v *faultyVolume) Sync() error {
	if err := v.before(Op{Kind: OpSyncVolume, Name: v.name}); err != nil {
		return err
	}
	return v.Volume.Sync()
}

func (f *faultyFS) Usage(dir string) (Usage, error) {
	if err := f.before(Op{Kind: OpUsage, Name: dir}); err != nil {
		return Usage{}, err
	}
	return f.fs.Usage(dir)
}

type faultyFile struct {
	f      File
	name   string
	before func(Op) error
}

// transfer does a read or write as far as it is let.
func (f *faultyFile) transfer(kind OpKind, p []byte, off int64, do func([]byte, int64) (int, error)) (int, error) {
	err := f.before(Op{Kind: kind, Name: f.name, Offset: off, Size: int64(len(p))})
	if err == nil {
		return do(p, off)
	}
	var short *ShortError
	if !errors.As(err, &short) {
		return 0, err
	}
	n, err := do(p[:min(short.Bytes, len(p))], off)
	if err != nil {
		return n, err
	}
	return n, short.Err
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	return f.transfer(OpRead, p, off, f.f.ReadAt)
}

// ReadCached leaves everything to ReadAt, which may fail.
func (f *faultyFile) ReadCached([]byte, int64) int { return 0 }

func (f *faultyFile) NoReadAhead() { f.f.NoReadAhead() }

func (f *faultyFile) Forget(off, length int64) { f.f.Forget(off, length) }

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	return f.transfer(OpWrite, p, off, f.f.WriteAt)
}

// Close closes the file even where it is told to fail: so does close(2).
func (f *faultyFile) Close() error {
	err := f.before(Op{Kind: OpClose, Name: f.name})
	return errors.Join(err, f.f.Close())
}

func (f *faultyFile) Size() (int64, error) {
	if err := f.before(Op{Kind: OpSize, Name: f.name}); err != nil {
		return 0, err
	}
	return f.f.Size()
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.before(Op{Kind: OpTruncate, Name: f.name, Size: size}); err != nil {
		return err
	}
	return f.f.Truncate(size)
}

func (f *faultyFile) SyncData() error {
	if err := f.before(Op{Kind: OpSyncData, Name: f.name}); err != nil {
		return err
	}
	return f.f.SyncData()
}

func (f *faultyFile) Sync() error {
	if err := f.before(Op{Kind: OpSync, Name: f.name}); err != nil {
		return err
	}
	return f.f.Sync()
}

func (f *faultyFile) Preallocate(offset, length int64) error {
	if err := f.before(Op{Kind: OpPreallocate, Name: f.name, Offset: offset, Size: length}); err != nil {
		return err
	}
	return f.f.Preallocate(offset, length)
}
