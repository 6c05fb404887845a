package storage

import (
	"container/list"
	"sync"
	"sync/atomic"

	"github.com/chronik/chronik/internal/vfs"
)

// handlesMax is how many files that are only read, old segments and indexes, a
// Disk keeps open. Reading another closes the one used longest ago. Each costs
// a descriptor and under 300 bytes.
const handlesMax = 256

// handle is an open file with a count of its users; the last one closes it, so
// that a segment may be dropped while somebody still reads it.
type handle struct {
	vfs.File
	refs atomic.Int32
}

// newHandle wraps a file; the caller is its first user.
func newHandle(f vfs.File) *handle {
	h := &handle{File: f}
	h.refs.Store(1)
	return h
}

// acquire adds a user. The caller knows of another who has not released yet.
func (h *handle) acquire() *handle {
	h.refs.Add(1)
	return h
}

// release ends a use. What closing says no longer matters: whatever had to be
// durable has been synced.
func (h *handle) release() {
	if h.refs.Add(-1) == 0 {
		_ = h.Close()
	}
}

// handleCache keeps files open that are read now and then.
type handleCache struct {
	fs vfs.FS
	mu struct {
		sync.Mutex
		byPath map[string]*list.Element // of cachedHandle
		recent list.List                // front: used last
		// forgotten counts forget calls: a file opened before one may be of
		// another name by now and must not enter the cache.
		forgotten uint64
	}
}

type cachedHandle struct {
	path string
	h    *handle
}

// open returns the file for reading; release it after use.
func (c *handleCache) open(path string) (*handle, error) {
	c.mu.Lock()
	if e, ok := c.mu.byPath[path]; ok {
		c.mu.recent.MoveToFront(e)
		h := e.Value.(cachedHandle).h.acquire()
		c.mu.Unlock()
		return h, nil
	}
	forgotten := c.mu.forgotten
	c.mu.Unlock()

	f, err := c.fs.Open(path)
	if err != nil {
		return nil, err
	}
	f.NoReadAhead() // see coldReads
	h := newHandle(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.mu.byPath[path]; ok || forgotten != c.mu.forgotten {
		return h, nil // used once, not kept
	}
	if c.mu.byPath == nil {
		c.mu.byPath = make(map[string]*list.Element)
	}
	c.mu.byPath[path] = c.mu.recent.PushFront(cachedHandle{path, h.acquire()})
	if c.mu.recent.Len() > handlesMax {
		c.dropLocked(c.mu.recent.Back())
	}
	return h, nil
}

// forget is called after a file was renamed, replaced or removed.
func (c *handleCache) forget(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.forgotten++
	if e, ok := c.mu.byPath[path]; ok {
		c.dropLocked(e)
	}
}

func (c *handleCache) dropLocked(e *list.Element) {
	entry := c.mu.recent.Remove(e).(cachedHandle)
	delete(c.mu.byPath, entry.path)
	entry.h.release()
}

// closeAll drops everything that is kept.
func (c *handleCache) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.mu.recent.Len() > 0 {
		c.dropLocked(c.mu.recent.Back())
	}
}
