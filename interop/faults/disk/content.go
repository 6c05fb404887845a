//go:build linux

package disk

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// content is a file's bytes, and how to go back to those that were synced.
type content struct {
	space *faults

	mu       sync.Mutex
	backing  *os.File
	size     int64
	reserved int64 // bytes up to which space was taken
	modified time.Time
	journal  []edit // since the last sync, oldest first
	// doomed is set by a failed sync: nothing of the file becomes durable any more.
	doomed bool
}

// edit is a write or a truncation, with what was there before.
type edit struct {
	offset, bytes int64 // of a truncation: where it cut, and no bytes
	sizeBefore    int64
	// before is what was overwritten or cut off, at offset. Empty before an append, which is
	// what nearly all edits are; nil with zeros where it was all zero.
	before []byte
	zeros  int64
}

func (c *content) stat(made time.Time) (size int64, modified time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.modified.IsZero() {
		return c.size, made
	}
	return c.size, c.modified
}

func (c *content) setModified(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.modified = t
}

func (c *content) read(to []byte, offset int64) (int, error) {
	n, err := c.backing.ReadAt(to, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// write writes as much of data as there is space for.
func (c *content) write(data []byte, offset int64) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := offset + int64(len(data))
	if more := end - max(c.reserved, c.size); more > 0 {
		got := c.space.take(more)
		c.reserved = max(c.reserved, c.size) + got
		if end = min(end, c.reserved); end <= offset {
			return 0, syscall.ENOSPC
		}
		data = data[:end-offset]
	}
	e := edit{offset: offset, bytes: int64(len(data)), sizeBefore: c.size}
	if err := c.remember(&e, end); err != nil {
		return 0, err
	}
	if _, err := c.backing.WriteAt(data, offset); err != nil {
		return 0, err
	}
	c.journal = append(c.journal, e)
	c.size, c.modified = max(c.size, end), time.Now()
	return len(data), nil
}

// remember keeps what an edit of [e.offset, end) is about to take away.
func (c *content) remember(e *edit, end int64) error {
	end = min(end, c.size)
	if end <= e.offset {
		return nil
	}
	e.before = make([]byte, end-e.offset)
	if _, err := c.backing.ReadAt(e.before, e.offset); err != nil {
		return err
	}
	if !slices.ContainsFunc(e.before, func(b byte) bool { return b != 0 }) {
		e.zeros, e.before = int64(len(e.before)), nil
	}
	return nil
}

func (c *content) truncate(size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size == c.size {
		return nil
	}
	e := edit{offset: size, sizeBefore: c.size}
	if err := c.remember(&e, c.size); err != nil {
		return err
	}
	if err := c.backing.Truncate(size); err != nil {
		return err
	}
	c.journal = append(c.journal, e)
	c.size, c.modified = size, time.Now()
	return nil
}

// allocate takes space up to end, and lengthens the file to it unless keep is set.
func (c *content) allocate(end int64, keep bool) error {
	c.mu.Lock()
	if more := end - max(c.reserved, c.size); more > 0 {
		got := c.space.take(more)
		if got < more {
			c.mu.Unlock()
			return syscall.ENOSPC
		}
		c.reserved = end
	}
	grow := !keep && end > c.size
	c.mu.Unlock()
	if grow {
		return c.truncate(end)
	}
	return nil
}

func (c *content) sync() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.space.refuse.Load() {
		c.doomed = c.doomed || len(c.journal) > 0
		c.space.unsynced.Add(1)
		return syscall.EIO
	}
	if !c.doomed {
		c.journal = nil
	}
	return nil
}

// undo takes the last edit back.
func (c *content) undo() error {
	e := c.journal[len(c.journal)-1]
	c.journal = c.journal[:len(c.journal)-1]
	c.size = e.sizeBefore
	err := c.backing.Truncate(e.sizeBefore)
	before := e.before
	if e.zeros > 0 {
		before = make([]byte, e.zeros)
	}
	if len(before) > 0 {
		_, failed := c.backing.WriteAt(before, e.offset)
		err = errors.Join(err, failed)
	}
	return err
}

// discard closes what is not needed any more.
func (c *content) discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.backing.Close() // nobody reads it again
	c.journal = nil
}

// Read reads of a file; fewer bytes than asked for at its end.
func (d *Disk) Read(id uint64, to []byte, offset int64) (int, error) {
	f, err := d.file(id)
	if err != nil {
		return 0, err
	}
	return f.read(to, offset)
}

// Write writes to a file; fewer bytes than asked for where the disk becomes full.
func (d *Disk) Write(id uint64, data []byte, offset int64) (int, error) {
	f, err := d.file(id)
	if err != nil {
		return 0, err
	}
	return f.write(data, offset)
}

// Sync makes durable what a file holds.
func (d *Disk) Sync(id uint64) error {
	f, err := d.file(id)
	if err != nil {
		return err
	}
	return f.sync()
}

// Allocate takes space for a file up to end, and lengthens it unless keep is set.
func (d *Disk) Allocate(id uint64, end int64, keep bool) error {
	f, err := d.file(id)
	if err != nil {
		return err
	}
	return f.allocate(end, keep)
}
