//go:build linux

package disk

import (
	"maps"
	"slices"
	"syscall"
	"time"
)

// nameOp is one operation on names, which happens whole or not at all.
type nameOp []nameChange

// nameChange is a name that means another node, or none, than before.
type nameChange struct {
	dir           *node
	name          string
	before, after *node
}

// applyLocked does an operation, and keeps it until it is synced.
func (d *Disk) applyLocked(op nameOp) {
	for _, c := range op {
		c.dir.set(c.name, c.after)
		c.dir.modified = time.Now()
		for _, n := range []*node{c.dir, c.before, c.after} {
			if n != nil {
				n.pins++
			}
		}
	}
	d.pending = append(d.pending, op)
}

// settleLocked forgets how an operation would be taken back.
func (d *Disk) settleLocked(op nameOp) {
	for _, c := range op {
		for _, n := range []*node{c.dir, c.before, c.after} {
			if n != nil {
				n.pins--
				d.releaseLocked(n)
			}
		}
	}
}

func (op nameOp) undo() {
	for _, c := range slices.Backward(op) {
		c.dir.set(c.name, c.before)
	}
}

func (op nameOp) touches(dirs map[*node]bool) bool {
	return slices.ContainsFunc(op, func(c nameChange) bool { return dirs[c.dir] })
}

// set has a name in a directory mean n, or nothing.
func (n *node) set(name string, to *node) {
	if old := n.entries[name]; old != nil {
		old.links--
	}
	if to == nil {
		delete(n.entries, name)
		return
	}
	n.entries[name] = to
	to.links++
}

// boundLocked returns the directories whose names become durable together with those of
// dir: a rename from one directory to another does so in both.
func (d *Disk) boundLocked(dir *node) map[*node]bool {
	dirs := map[*node]bool{dir: true}
	for grown := true; grown; {
		before := len(dirs)
		for _, op := range d.pending {
			if !op.touches(dirs) {
				continue
			}
			for _, c := range op {
				dirs[c.dir] = true
			}
		}
		grown = len(dirs) > before
	}
	return dirs
}

// SyncDir makes durable the names in a directory.
func (d *Disk) SyncDir(id uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.dirLocked(id)
	if err != nil {
		return err
	}
	if d.faults.refuse.Load() {
		d.faults.unsynced.Add(1)
		return syscall.EIO
	}
	dirs := d.boundLocked(dir)
	var settled []nameOp
	d.pending = slices.DeleteFunc(d.pending, func(op nameOp) bool {
		if op.touches(dirs) {
			settled = append(settled, op)
			return true
		}
		return false
	})
	for _, op := range settled {
		d.settleLocked(op)
	}
	return nil
}

// Lookup finds a name in a directory. Each call is undone by one of Forget's lookups, as
// is each that makes a node.
func (d *Disk) Lookup(parent uint64, name string) (Attributes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.dirLocked(parent)
	if err != nil {
		return Attributes{}, err
	}
	n := dir.entries[name]
	if n == nil {
		return Attributes{}, syscall.ENOENT
	}
	n.lookups++
	return d.attributes(n), nil
}

// Forget is told how many lookups of a node nobody remembers any more.
func (d *Disk) Forget(id, lookups uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.nodes[id]; n != nil {
		n.lookups -= min(lookups, n.lookups)
		d.releaseLocked(n)
	}
}

// Made says what Make makes.
type Made struct {
	Mode     uint32 // type and permissions
	UID, GID uint32
	Target   string // of a symbolic link
}

// Make makes a directory, a file or a symbolic link.
func (d *Disk) Make(parent uint64, name string, m Made) (Attributes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.dirLocked(parent)
	if err != nil {
		return Attributes{}, err
	}
	if dir.entries[name] != nil {
		return Attributes{}, syscall.EEXIST
	}
	if d.faults.take(1) == 0 { // of a block for the name
		return Attributes{}, syscall.ENOSPC
	}
	n, err := d.makeLocked(m.Mode, m.UID, m.GID)
	if err != nil {
		return Attributes{}, err
	}
	n.target = m.Target
	d.applyLocked(nameOp{{dir: dir, name: name, after: n}})
	n.lookups++
	return d.attributes(n), nil
}

// Link gives a node another name.
func (d *Disk) Link(id, parent uint64, name string) (Attributes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.dirLocked(parent)
	if err != nil {
		return Attributes{}, err
	}
	n, err := d.getLocked(id)
	switch {
	case err != nil:
		return Attributes{}, err
	case n.isDir():
		return Attributes{}, syscall.EPERM
	case dir.entries[name] != nil:
		return Attributes{}, syscall.EEXIST
	}
	d.applyLocked(nameOp{{dir: dir, name: name, after: n}})
	n.lookups++
	return d.attributes(n), nil
}

// Remove takes a name out of a directory: that of a directory, or of anything else.
func (d *Disk) Remove(parent uint64, name string, directory bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.dirLocked(parent)
	if err != nil {
		return err
	}
	n := dir.entries[name]
	switch {
	case n == nil:
		return syscall.ENOENT
	case directory && !n.isDir():
		return syscall.ENOTDIR
	case !directory && n.isDir():
		return syscall.EISDIR
	case len(n.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.applyLocked(nameOp{{dir: dir, name: name, before: n}})
	return nil
}

// Place is a name in a directory.
type Place struct {
	Dir  uint64
	Name string
}

// Rename moves a name, over what has the new one unless that must not be there.
func (d *Disk) Rename(from, to Place, fresh bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	source, err := d.dirLocked(from.Dir)
	if err != nil {
		return err
	}
	target, err := d.dirLocked(to.Dir)
	if err != nil {
		return err
	}
	n, old := source.entries[from.Name], target.entries[to.Name]
	switch {
	case n == nil:
		return syscall.ENOENT
	case old != nil && fresh:
		return syscall.EEXIST
	case old == n:
		return nil
	case old != nil && len(old.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.applyLocked(nameOp{{dir: source, name: from.Name, before: n}, {dir: target, name: to.Name, before: old, after: n}})
	return nil
}

// Entry is a name in a directory, and what it means.
type Entry struct {
	Name string
	ID   uint64
	Mode uint32
}

// List lists a directory by name.
func (d *Disk) List(id uint64) ([]Entry, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	dir, err := d.dirLocked(id)
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, name := range slices.Sorted(maps.Keys(dir.entries)) {
		list = append(list, Entry{Name: name, ID: dir.entries[name].id, Mode: dir.entries[name].mode})
	}
	return list, nil
}

// Readlink returns where a symbolic link points.
func (d *Disk) Readlink(id uint64) (string, error) {
	n, err := d.get(id)
	if err == nil && n.target == "" {
		return "", syscall.EINVAL
	}
	if err != nil {
		return "", err
	}
	return n.target, nil
}
