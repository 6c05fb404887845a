package storage

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"sync"

	"github.com/chronik/chronik/internal/vfs"
)

// tailEntriesMax is how many entries an index holds back before it writes them:
// one write for each 256 KiB of records at the default interval, and 1.25 KiB
// of memory at most for both indexes of a partition.
const tailEntriesMax = 64

// indexFile is an append-only file of entries of one size, the newest of which
// are still in memory. No descriptor is kept for it: it is opened where it is
// written or searched (for reading through the disk's cache).
//
// After a crash what was not synced may be missing or wrong; recovery believes
// only entries below the recovery point (see recover.go) and writes the rest
// anew. So no write here needs a sync of its own.
//
// One writer at a time (Log.write); readers may come at any time.
type indexFile struct {
	path      string
	entrySize int

	mu struct {
		sync.Mutex
		written int    // entries in the file
		tail    []byte // entries that follow, whole
	}
}

func (x *indexFile) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.mu.written + len(x.mu.tail)/x.entrySize
}

// append adds an entry. It reaches the file with flush.
func (x *indexFile) append(entry []byte) (full bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.mu.tail = append(x.mu.tail, entry...)
	return len(x.mu.tail) >= tailEntriesMax*x.entrySize
}

// flush writes the entries that are in memory.
func (x *indexFile) flush(fs vfs.FS) error { return x.flushAnd(fs, false) }

// sync writes the entries that are in memory and makes the file durable.
func (x *indexFile) sync(fs vfs.FS) error { return x.flushAnd(fs, true) }

func (x *indexFile) flushAnd(fs vfs.FS, sync bool) (err error) {
	x.mu.Lock()
	tail, at := x.mu.tail, int64(x.mu.written)*int64(x.entrySize)
	x.mu.Unlock()
	if len(tail) == 0 && !sync {
		return nil
	}
	f, err := fs.OpenReadWrite(x.path)
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if len(tail) > 0 {
		if _, err := f.WriteAt(tail, at); err != nil {
			return fmt.Errorf("write %s: %w", x.path, err)
		}
		x.mu.Lock()
		x.mu.written += len(tail) / x.entrySize
		x.mu.tail = nil // not reused: it stays small and most partitions are idle
		x.mu.Unlock()
	}
	if sync {
		if err := f.SyncData(); err != nil {
			return fmt.Errorf("sync %s: %w", x.path, err)
		}
	}
	return nil
}

// truncate keeps the first n entries, and makes that durable where the file
// gets shorter.
func (x *indexFile) truncate(fs vfs.FS, n int) error {
	x.mu.Lock()
	written := x.mu.written
	if n >= written {
		x.mu.tail = x.mu.tail[:min(len(x.mu.tail), (n-written)*x.entrySize)]
		x.mu.Unlock()
		return nil
	}
	x.mu.written, x.mu.tail = n, nil
	x.mu.Unlock()
	return setFileSize(fs, x.path, int64(n)*int64(x.entrySize))
}

// setFileSize cuts or grows a file and syncs it.
func setFileSize(fs vfs.FS, path string, size int64) (err error) {
	f, err := fs.OpenReadWrite(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(size); err != nil {
		return fmt.Errorf("truncate %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// reset says how many entries the file holds, when it is opened.
func (x *indexFile) reset(written int) {
	x.mu.Lock()
	x.mu.written, x.mu.tail = written, nil
	x.mu.Unlock()
}

// search finds the last entry for which atMost holds; atMost must hold for a
// prefix of the entries. entry is valid until the caller's buf is used again.
func (x *indexFile) search(c *handleCache, buf []byte, atMost func(entry []byte) bool) (found int, entry []byte, err error) {
	size := x.entrySize
	x.mu.Lock()
	written := x.mu.written
	inTail := lastWhere(len(x.mu.tail)/size, func(i int) bool { return atMost(x.mu.tail[i*size:][:size]) })
	if inTail >= 0 {
		entry = append(buf[:0], x.mu.tail[inTail*size:][:size]...)
	}
	x.mu.Unlock()
	if inTail >= 0 || written == 0 {
		if inTail < 0 {
			return -1, nil, nil
		}
		return written + inTail, entry, nil
	}

	h, err := c.open(x.path)
	if err != nil {
		return -1, nil, err
	}
	defer h.release()
	read := func(i int) bool {
		if err != nil {
			return false
		}
		entry, err = readEntry(h, buf, i, size)
		return err == nil && atMost(entry)
	}
	found = lastWhere(written, read)
	if err != nil || found < 0 {
		return -1, nil, err
	}
	entry, err = readEntry(h, buf, found, size)
	return found, entry, err
}

// at returns entry i.
func (x *indexFile) at(c *handleCache, buf []byte, i int) ([]byte, error) {
	x.mu.Lock()
	if from := i - x.mu.written; from >= 0 {
		entry := append(buf[:0], x.mu.tail[from*x.entrySize:][:x.entrySize]...)
		x.mu.Unlock()
		return entry, nil
	}
	x.mu.Unlock()
	h, err := c.open(x.path)
	if err != nil {
		return nil, err
	}
	defer h.release()
	return readEntry(h, buf, i, x.entrySize)
}

func readEntry(r io.ReaderAt, buf []byte, i, size int) ([]byte, error) {
	entry := buf[:size]
	if n, err := r.ReadAt(entry, int64(i)*int64(size)); n < size {
		return nil, fmt.Errorf("read index entry %d: %w", i, err)
	}
	return entry, nil
}

// lastWhere is the last i in [0, n) for which a predicate holds that holds for
// a prefix, or -1.
func lastWhere(n int, holds func(i int) bool) int {
	low, high := 0, n // holds below low, not at or above high
	for low < high {
		mid := int(uint(low+high) >> 1)
		if holds(mid) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low - 1
}

// removeIfExists removes a file that may be missing.
func removeIfExists(fs vfs.FS, path string) error {
	if err := fs.Remove(path); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	return nil
}
