package vfs

// nameOp is one operation on names. While it is not synced, a crash keeps it or
// loses it as a whole.
type nameOp struct {
	kind     nameKind
	dir      *inode
	name     string
	toDir    *inode // of nameRename; dir and name are where it comes from
	toName   string
	node     *inode
	replaced *inode // the file that a rename replaced; nil: none
}

type nameKind uint8

const (
	nameLink   nameKind = iota // create, mkdir
	nameUnlink                 // remove
	nameRename
)

// syncedBy tells whether SyncDir of dir keeps the operation.
func (o *nameOp) syncedBy(dir *inode) bool {
	if o.kind == nameRename {
		return o.toDir == dir
	}
	return o.dir == dir
}

// view selects the names as seen or as synced.
type view func(*inode) map[string]*inode

func seenNames(n *inode) map[string]*inode   { return n.entries }
func syncedNames(n *inode) map[string]*inode { return n.durableEntries }

// apply does the operation to a view, unless what came before it there does not
// allow that.
func (o *nameOp) apply(of view) bool {
	from := of(o.dir)
	switch o.kind {
	case nameLink:
		if from[o.name] != nil {
			return false
		}
		from[o.name] = o.node
	case nameUnlink:
		if from[o.name] != o.node || len(of(o.node)) > 0 {
			return false
		}
		delete(from, o.name)
	case nameRename:
		to := of(o.toDir)
		target := to[o.toName]
		if from[o.name] != o.node || target != nil && (target.isDir() || o.node.isDir()) || contains(of, o.node, o.toDir) {
			return false
		}
		delete(from, o.name)
		to[o.toName] = o.node
	}
	return true
}

// contains tells whether dir is tree or lies within it.
func contains(of view, tree, dir *inode) bool {
	if tree == dir {
		return true
	}
	for _, child := range of(tree) {
		if child.isDir() && contains(of, child, dir) {
			return true
		}
	}
	return false
}

// doLocked does an operation that has been checked.
func (m *Mem) doLocked(o nameOp) {
	if !o.apply(seenNames) {
		panic("vfs: an operation that was checked does not apply: " + o.name)
	}
	m.names = append(m.names, o)
}

// commitNamesLocked makes the operations on dir durable, and before them what
// they need.
func (m *Mem) commitNamesLocked(dir *inode) {
	need := needs{nodes: map[*inode]bool{}, emptied: map[*inode]bool{}, names: map[dirName]bool{}}
	commit := make([]bool, len(m.names))
	for i := len(m.names) - 1; i >= 0; i-- {
		o := &m.names[i]
		if commit[i] = o.syncedBy(dir) || need.has(o); commit[i] {
			need.add(o)
		}
	}
	var left []nameOp
	for i := range m.names {
		switch o := &m.names[i]; {
		case !commit[i]:
			left = append(left, *o)
		case !o.apply(syncedNames):
			panic("vfs: an operation to sync does not apply: " + o.name)
		}
	}
	m.names = left
}

// syncAllLocked makes everything durable that is there.
func (m *Mem) syncAllLocked() {
	for i := range m.names {
		if o := &m.names[i]; !o.apply(syncedNames) {
			panic("vfs: an operation to sync does not apply: " + o.name)
		}
	}
	m.names = nil
	m.root.syncTree()
}

func (n *inode) syncTree() {
	if !n.isDir() {
		n.sync(true)
		return
	}
	for _, child := range n.entries {
		child.syncTree()
	}
}

type dirName struct {
	dir  *inode
	name string
}

// needs is what the operations that are made durable presuppose: whatever was
// done earlier to the same inodes and the same names, to empty a directory that
// is removed, and, where a directory moves, every earlier such move,
// for it must not end up within itself.
type needs struct {
	nodes    map[*inode]bool
	emptied  map[*inode]bool
	names    map[dirName]bool
	dirMoves bool
}

func (o *nameOp) movesDir() bool {
	return o.kind == nameRename && o.node.isDir() && o.dir != o.toDir
}

func (n *needs) has(o *nameOp) bool {
	return n.nodes[o.node] || n.emptied[o.dir] || n.dirMoves && o.movesDir() ||
		n.names[dirName{o.dir, o.name}] || o.kind == nameRename && n.names[dirName{o.toDir, o.toName}]
}

func (n *needs) add(o *nameOp) {
	n.nodes[o.node] = true
	n.names[dirName{o.dir, o.name}] = true
	switch o.kind {
	case nameLink:
	case nameUnlink:
		n.emptied[o.node] = true
	case nameRename:
		n.names[dirName{o.toDir, o.toName}] = true
		n.dirMoves = n.dirMoves || o.movesDir()
		if o.replaced != nil {
			n.nodes[o.replaced] = true
		}
	}
}
