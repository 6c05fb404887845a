//go:build linux

package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// RootID is the number of the root directory.
const RootID = 1

// Disk is a file system in a directory.
type Disk struct {
	dir string

	// mu guards the tree of names and the table of nodes.
	mu      sync.RWMutex
	nodes   map[uint64]*node
	root    *node
	lastID  uint64
	pending []nameOp // oldest first

	faults faults
}

// node is a directory, a file or a symbolic link. All but content's inside is guarded by
// Disk.mu.
type node struct {
	id       uint64
	mode     uint32 // type and permissions
	uid, gid uint32
	modified time.Time

	entries map[string]*node // of a directory
	target  string           // of a symbolic link
	content *content         // of a file

	// A node goes when nobody names it: no directory, no process and no operation that a
	// loss of power would take back.
	links   int
	lookups uint64
	pins    int
}

func (n *node) isDir() bool { return n.mode&syscall.S_IFMT == syscall.S_IFDIR }

// Attributes are what stat(2) tells.
type Attributes struct {
	ID       uint64
	Mode     uint32
	UID, GID uint32
	Links    int
	Size     int64
	Modified time.Time
}

// New makes an empty file system that keeps contents in dir, which it empties.
func New(dir string) (*Disk, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, err
	}
	root := &node{id: RootID, mode: syscall.S_IFDIR | 0o755, entries: map[string]*node{}, modified: time.Now(), links: 1}
	d := &Disk{dir: dir, nodes: map[uint64]*node{RootID: root}, root: root, lastID: RootID}
	d.faults.free.Store(unlimited)
	return d, nil
}

// Close gives back what the file system holds. It must not be used any more.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	for _, n := range d.nodes {
		if n.content != nil {
			err = errors.Join(err, n.content.backing.Close())
		}
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// get returns a node that the kernel knows, which it therefore is.
func (d *Disk) get(id uint64) (*node, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.getLocked(id)
}

func (d *Disk) getLocked(id uint64) (*node, error) {
	n := d.nodes[id]
	if n == nil {
		return nil, syscall.ESTALE
	}
	return n, nil
}

// dirLocked returns a directory.
func (d *Disk) dirLocked(id uint64) (*node, error) {
	n, err := d.getLocked(id)
	if err == nil && !n.isDir() {
		return nil, syscall.ENOTDIR
	}
	return n, err
}

// file returns the content of a file.
func (d *Disk) file(id uint64) (*content, error) {
	n, err := d.get(id)
	switch {
	case err != nil:
		return nil, err
	case n.isDir():
		return nil, syscall.EISDIR
	case n.content == nil:
		return nil, syscall.EINVAL
	}
	return n.content, nil
}

// makeLocked makes a node that has no name yet.
func (d *Disk) makeLocked(mode, uid, gid uint32) (*node, error) {
	d.lastID++
	n := &node{id: d.lastID, mode: mode, uid: uid, gid: gid, modified: time.Now()}
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		n.entries = map[string]*node{}
	case syscall.S_IFREG:
		backing, err := os.Create(d.backing(n.id))
		if err != nil {
			return nil, syscall.EIO
		}
		n.content = &content{backing: backing, space: &d.faults}
	case syscall.S_IFLNK:
	default:
		return nil, syscall.EPERM
	}
	d.nodes[n.id] = n
	return n, nil
}

func (d *Disk) backing(id uint64) string { return filepath.Join(d.dir, fmt.Sprint(id)) }

// releaseLocked lets a node go that nobody names any more.
func (d *Disk) releaseLocked(n *node) {
	if n.links > 0 || n.lookups > 0 || n.pins > 0 || n == d.root || d.nodes[n.id] != n {
		return
	}
	d.freeLocked(n)
}

func (d *Disk) freeLocked(n *node) {
	delete(d.nodes, n.id)
	if n.content != nil {
		n.content.discard()
		_ = os.Remove(d.backing(n.id)) // an orphan of a temporary directory, at worst
	}
}

func (d *Disk) attributes(n *node) Attributes {
	a := Attributes{ID: n.id, Mode: n.mode, UID: n.uid, GID: n.gid, Links: max(n.links, 1), Modified: n.modified}
	if n.content != nil {
		a.Size, a.Modified = n.content.stat(n.modified)
	}
	if n.target != "" {
		a.Size = int64(len(n.target))
	}
	return a
}

// Stat tells about a node.
func (d *Disk) Stat(id uint64) (Attributes, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n, err := d.getLocked(id)
	if err != nil {
		return Attributes{}, err
	}
	return d.attributes(n), nil
}

// Change is what SetAttributes changes: what is not nil.
type Change struct {
	Mode     *uint32 // permissions
	UID, GID *uint32
	Size     *int64
	Modified *time.Time
}

// SetAttributes changes a node. Only a file's size is taken back by a loss of power.
func (d *Disk) SetAttributes(id uint64, c Change) (Attributes, error) {
	if c.Size != nil {
		f, err := d.file(id)
		if err == nil {
			err = f.truncate(*c.Size)
		}
		if err != nil {
			return Attributes{}, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.getLocked(id)
	if err != nil {
		return Attributes{}, err
	}
	if c.Mode != nil {
		n.mode = n.mode&syscall.S_IFMT | *c.Mode&^syscall.S_IFMT
	}
	if c.UID != nil {
		n.uid = *c.UID
	}
	if c.GID != nil {
		n.gid = *c.GID
	}
	if c.Modified != nil {
		n.modified = *c.Modified
		if n.content != nil {
			n.content.setModified(*c.Modified)
		}
	}
	return d.attributes(n), nil
}

// faults are the ways in which a disk can fail while it has power, and how often
// each was felt.
type faults struct {
	free     atomic.Int64 // bytes that may still be taken; or unlimited
	refuse   atomic.Bool  // syncs fail
	noSpace  atomic.Int64
	unsynced atomic.Int64
}

// unlimited is as much as the machine has.
const unlimited = -1

// take takes up to want bytes of what is free and returns how many it got.
func (f *faults) take(want int64) int64 {
	for {
		free := f.free.Load()
		if free == unlimited || want == 0 {
			return want
		}
		got := min(want, free)
		if f.free.CompareAndSwap(free, free-got) {
			if got < want {
				f.noSpace.Add(1)
			}
			return got
		}
	}
}

// Fill leaves so many bytes that can still be taken.
func (d *Disk) Fill(left int64) { d.faults.free.Store(left) }

// Empty ends what Fill began.
func (d *Disk) Empty() { d.faults.free.Store(unlimited) }

// RefuseSyncs has every sync fail with EIO, or ends that. What a failed sync was to make
// durable stays undurable for good, whatever syncs come later: the kernel has marked it
// clean.
func (d *Disk) RefuseSyncs(refuse bool) { d.faults.refuse.Store(refuse) }

// Felt counts what was answered with an error.
type Felt struct {
	NoSpace  int64 `json:"no_space"`
	Unsynced int64 `json:"unsynced"`
}

// Felt returns how often the disk was found full, and a sync failed.
func (d *Disk) Felt() Felt {
	return Felt{NoSpace: d.faults.noSpace.Load(), Unsynced: d.faults.unsynced.Load()}
}

// Free returns how many bytes can still be taken, or false where there is no limit.
func (d *Disk) Free() (int64, bool) {
	free := d.faults.free.Load()
	return free, free != unlimited
}
