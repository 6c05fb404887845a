package vfs

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Mem is a file system in memory that knows what a power loss would leave. For
// each file it keeps the content that programs see and the content that was
// synced, with every write between; for each directory the same with names.
//
// What it assumes of a disk, and nothing better:
//
//   - A sector of 512 bytes is written whole or not at all; sectors reach the disk
//     in any order, whatever the order of the writes.
//   - A length reaches the disk apart from the data: a file may have grown and
//     read as zeros. What truncation cut off never comes back behind a length
//     that was set later.
//   - SyncData keeps the content, and the length unless the file has shrunk since;
//     Sync keeps both. Neither keeps the name.
//   - SyncDir keeps what was done to the names in one directory, together with
//     what those operations need (an earlier rename of the same file); it does not
//     keep the directory's own name, nor the content of a file. A rename between
//     directories is kept by SyncDir of the one that it goes to.
//   - Operations on names that were not synced are each kept or lost; rename is
//     atomic, and a file never has two names.
//
// A process that is killed loses nothing: that is Clone. A Mem is safe for
// concurrent use; one lock guards it all.
type Mem struct {
	mu    sync.RWMutex
	root  *inode
	names []nameOp        // not synced, in order
	locks map[*inode]bool // held
}

// memTotalBytes is the size of the disk that Usage tells of.
const memTotalBytes = 1 << 40

// inode is a file or a directory, whatever its names are.
type inode struct {
	// Of a directory: its names as seen and as synced.
	entries, durableEntries map[string]*inode // nil: a file

	// Of a file. Invariant: durable with pending applied in order is data.
	data    []byte
	durable []byte
	pending []contentOp
	modTime time.Time
}

func newDir() *inode {
	return &inode{entries: map[string]*inode{}, durableEntries: map[string]*inode{}, modTime: time.Now()}
}

func (n *inode) isDir() bool { return n.entries != nil }

// NewMem makes an empty file system: the root alone, which "/" and "." name.
func NewMem() *Mem { return &Mem{root: newDir(), locks: map[*inode]bool{}} }

// split cuts a name into its parts; none is the root.
func split(name string) []string {
	name = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(name)), "/")
	if name == "." || name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// walkLocked finds what the parts name.
func (m *Mem) walkLocked(parts []string) (*inode, error) {
	n := m.root
	for _, p := range parts {
		if !n.isDir() {
			return nil, syscall.ENOTDIR
		}
		next, ok := n.entries[p]
		if !ok {
			return nil, fs.ErrNotExist
		}
		n = next
	}
	return n, nil
}

// parentLocked finds the directory of a name, and the name within it.
func (m *Mem) parentLocked(name string) (*inode, string, error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", syscall.EBUSY // the root cannot be named in a directory
	}
	last := len(parts) - 1
	dir, err := m.walkLocked(parts[:last])
	if err != nil {
		return nil, "", err
	}
	if !dir.isDir() {
		return nil, "", syscall.ENOTDIR
	}
	return dir, parts[last], nil
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.openLocked(name, true)
	if err != nil {
		return nil, pathError("create", name, err)
	}
	n.truncate(0)
	return &memFile{m: m, n: n, name: name, writable: true}, nil
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.openLocked(name, false)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &memFile{m: m, n: n, name: name}, nil
}

// OpenReadWrite implements FS.
func (m *Mem) OpenReadWrite(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.openLocked(name, true)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &memFile{m: m, n: n, name: name, writable: true}, nil
}

// openLocked finds a file, or makes it where create says so. Unlike on Unix a
// directory cannot be opened at all: no caller has a use for it.
func (m *Mem) openLocked(name string, create bool) (*inode, error) {
	if len(split(name)) == 0 {
		return nil, syscall.EISDIR
	}
	dir, base, err := m.parentLocked(name)
	if err != nil {
		return nil, err
	}
	n, ok := dir.entries[base]
	switch {
	case ok && n.isDir():
		return nil, syscall.EISDIR
	case ok:
		return n, nil
	case !create:
		return nil, fs.ErrNotExist
	}
	n = &inode{modTime: time.Now()}
	m.doLocked(nameOp{kind: nameLink, dir: dir, name: base, node: n})
	return n, nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked(name)
	if err != nil {
		return pathError("remove", name, err)
	}
	n, ok := dir.entries[base]
	if !ok {
		return pathError("remove", name, fs.ErrNotExist)
	}
	if len(n.entries) > 0 {
		return pathError("remove", name, syscall.ENOTEMPTY)
	}
	m.doLocked(nameOp{kind: nameUnlink, dir: dir, name: base, node: n})
	return nil
}

// RemoveAll implements FS. Each name in the tree goes on its own.
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError("removeall", name, err)
	}
	if n, ok := dir.entries[base]; ok {
		m.removeTreeLocked(dir, base, n)
	}
	return nil
}

// removeTreeLocked recurses as deep as the tree, which tests made.
func (m *Mem) removeTreeLocked(dir *inode, name string, n *inode) {
	for _, child := range sortedNames(n.entries) {
		m.removeTreeLocked(n, child, n.entries[child])
	}
	m.doLocked(nameOp{kind: nameUnlink, dir: dir, name: name, node: n})
}

// Rename implements FS.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.renameLocked(oldName, newName); err != nil {
		return pathError("rename", oldName+" "+newName, err)
	}
	return nil
}

func (m *Mem) renameLocked(oldName, newName string) error {
	dir, base, err := m.parentLocked(oldName)
	if err != nil {
		return err
	}
	n, ok := dir.entries[base]
	if !ok {
		return fs.ErrNotExist
	}
	toDir, toBase, err := m.parentLocked(newName)
	if err != nil {
		return err
	}
	target := toDir.entries[toBase]
	switch {
	case target == n:
		return nil
	case contains(seenNames, n, toDir):
		return syscall.EINVAL // into itself
	case target == nil:
	case target.isDir():
		return fs.ErrExist // so says os.Rename, even of an empty one
	case n.isDir():
		return syscall.ENOTDIR
	}
	m.doLocked(nameOp{kind: nameRename, dir: dir, name: base, toDir: toDir, toName: toBase, node: n, replaced: target})
	return nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, p := range split(dir) {
		next, ok := n.entries[p]
		if !ok {
			next = newDir()
			m.doLocked(nameOp{kind: nameLink, dir: n, name: p, node: next})
		}
		if !next.isDir() {
			return pathError("mkdir", dir, syscall.ENOTDIR)
		}
		n = next
	}
	return nil
}

// ReadDir implements FS.
func (m *Mem) ReadDir(dir string) ([]Info, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.walkLocked(split(dir))
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathError("readdir", dir, err)
	}
	infos := make([]Info, 0, len(n.entries))
	for _, name := range sortedNames(n.entries) {
		infos = append(infos, n.entries[name].info(name))
	}
	return infos, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (Info, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.walkLocked(split(name))
	if err != nil {
		return Info{}, pathError("stat", name, err)
	}
	return n.info(filepath.Base(name)), nil
}

func (n *inode) info(name string) Info {
	return Info{Name: name, Size: int64(len(n.data)), ModTime: n.modTime, IsDir: n.isDir()}
}

// SyncDir implements FS.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.walkLocked(split(dir))
	if err == nil && !n.isDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return pathError("syncdir", dir, err)
	}
	m.commitNamesLocked(n)
	return nil
}

// Volume implements FS.
func (m *Mem) Volume(dir string) (Volume, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if _, err := m.walkLocked(split(dir)); err != nil {
		return nil, pathError("volume", dir, err)
	}
	return memVolume{m}, nil
}

type memVolume struct{ m *Mem }

func (memVolume) Close() error { return nil }

// Sync implements Volume.
func (v memVolume) Sync() error {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	v.m.syncAllLocked()
	return nil
}

// Lock implements FS. A clone holds no locks.
func (m *Mem) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.openLocked(name, true)
	if err == nil && m.locks[n] {
		err = ErrLocked
	}
	if err != nil {
		return nil, pathError("lock", name, err)
	}
	m.locks[n] = true
	return &memLock{m: m, n: n, name: name}, nil
}

type memLock struct {
	m      *Mem
	n      *inode
	name   string
	closed bool
}

func (l *memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.closed {
		return pathError("unlock", l.name, fs.ErrClosed)
	}
	l.closed = true
	delete(l.m.locks, l.n)
	return nil
}

// Usage implements FS: what the files that have names take of one terabyte.
func (m *Mem) Usage(dir string) (Usage, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if _, err := m.walkLocked(split(dir)); err != nil {
		return Usage{}, pathError("usage", dir, err)
	}
	return Usage{TotalBytes: memTotalBytes, FreeBytes: memTotalBytes - m.root.bytes()}, nil
}

func (n *inode) bytes() uint64 {
	sum := uint64(len(n.data))
	for _, child := range n.entries {
		sum += child.bytes()
	}
	return sum
}

func sortedNames(entries map[string]*inode) []string {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
