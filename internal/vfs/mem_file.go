package vfs

import (
	"errors"
	"io"
	"io/fs"
	"sync/atomic"
	"syscall"
	"time"
)

// contentOp is a write or a truncation that was not synced.
type contentOp struct {
	offset int64
	data   []byte // nil: a truncation to offset
}

func (n *inode) write(p []byte, off int64) {
	n.data = resize(n.data, max(int64(len(n.data)), off+int64(len(p))))
	copy(n.data[off:], p)
	n.pending = append(n.pending, contentOp{offset: off, data: append([]byte{}, p...)})
	n.modTime = time.Now()
}

func (n *inode) truncate(size int64) {
	if size == int64(len(n.data)) {
		return
	}
	n.data = resize(n.data, size)
	n.pending = append(n.pending, contentOp{offset: size})
	n.modTime = time.Now()
}

// resize sets the length; what is added is zero, even where b was longer once.
func resize(b []byte, size int64) []byte {
	old := int64(len(b))
	if size <= old {
		return b[:size]
	}
	if size <= int64(cap(b)) {
		b = b[:size]
		clear(b[old:])
		return b
	}
	return append(b, make([]byte, size-old)...)
}

// apply does the operation to some content.
func (o *contentOp) apply(b []byte) []byte {
	if o.data == nil {
		return resize(b, o.offset)
	}
	b = resize(b, max(int64(len(b)), o.offset+int64(len(o.data))))
	copy(b[o.offset:], o.data)
	return b
}

// sync makes the content durable. Without attributes a shrunken length is not:
// what was durable behind it may be there again after a crash.
func (n *inode) sync(attributes bool) {
	size := int64(len(n.data))
	var tail []byte
	if !attributes && size < int64(len(n.durable)) {
		tail = append(tail, n.durable[size:]...)
	}
	for i := range n.pending {
		n.durable = n.pending[i].apply(n.durable)
	}
	n.pending = nil
	if tail != nil {
		n.durable = append(n.durable, tail...)
		n.pending = []contentOp{{offset: size}}
	}
}

// memFile is an open file. It reads and writes the inode, whatever became of the
// name.
type memFile struct {
	m        *Mem
	n        *inode
	name     string
	writable bool
	closed   atomic.Bool
}

func (f *memFile) check(op string) error {
	if f.closed.Load() {
		return pathError(op, f.name, fs.ErrClosed)
	}
	return nil
}

func (f *memFile) checkWrite(op string, off int64) error {
	switch {
	case f.closed.Load():
		return pathError(op, f.name, fs.ErrClosed)
	case !f.writable:
		return pathError(op, f.name, syscall.EBADF)
	case off < 0:
		return pathError(op, f.name, syscall.EINVAL)
	}
	return nil
}

// ReadCached implements File: everything is in memory.
func (f *memFile) ReadCached(p []byte, off int64) int {
	n, err := f.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	return n
}

// NoReadAhead implements File.
func (f *memFile) NoReadAhead() {}

// Forget implements File.
func (f *memFile) Forget(int64, int64) {}

// ReadAt implements File.
func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if err := f.check("read"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathError("read", f.name, syscall.EINVAL)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements File.
func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.checkWrite("write", off); err != nil {
		return 0, err
	}
	if len(p) > 0 {
		f.n.write(p, off)
	}
	return len(p), nil
}

// Close implements File.
func (f *memFile) Close() error {
	if f.closed.Swap(true) {
		return pathError("close", f.name, fs.ErrClosed)
	}
	return nil
}

// Size implements File.
func (f *memFile) Size() (int64, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if err := f.check("stat"); err != nil {
		return 0, err
	}
	return int64(len(f.n.data)), nil
}

// Truncate implements File.
func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.checkWrite("truncate", size); err != nil {
		return err
	}
	f.n.truncate(size)
	return nil
}

// SyncData implements File.
func (f *memFile) SyncData() error { return f.sync("fdatasync", false) }

// Sync implements File.
func (f *memFile) Sync() error { return f.sync("fsync", true) }

func (f *memFile) sync(op string, attributes bool) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.check(op); err != nil {
		return err
	}
	f.n.sync(attributes)
	return nil
}

// Preallocate implements File. There is nothing to reserve.
func (f *memFile) Preallocate(offset, length int64) error {
	return f.checkWrite("fallocate", min(offset, length))
}
