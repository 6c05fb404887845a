package vfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
)

// sectorBytes is what a disk writes whole or not at all.
const sectorBytes = 512

// CrashOptions say how unkind CrashClone is to what was not synced.
type CrashOptions struct {
	// NameLoss is the chance that an operation on names is lost, from 0 to 1.
	NameLoss float64
	// DataLoss is the chance that a sector does not have what was written to it.
	DataLoss float64
}

// Crash returns the file system as it is after a power loss that took everything
// that was not synced. m is left as it is, and may go on.
func (m *Mem) Crash() *Mem {
	return m.CrashClone(rand.New(rand.NewPCG(0, 0)), CrashOptions{NameLoss: 1, DataLoss: 1})
}

// CrashClone returns the file system as it might be after a power loss: what was
// synced, and of the rest what rng decides. The same rng and the same operations
// give the same outcome. m is left as it is, and may go on.
func (m *Mem) CrashClone(rng *rand.Rand, opts CrashOptions) *Mem {
	m.mu.RLock()
	defer m.mu.RUnlock()
	names := map[*inode]map[string]*inode{}
	survived := func(n *inode) map[string]*inode {
		if names[n] == nil {
			names[n] = map[string]*inode{}
			maps.Copy(names[n], n.durableEntries)
		}
		return names[n]
	}
	for i := range m.names {
		if rng.Float64() >= opts.NameLoss {
			m.names[i].apply(survived) // or not, where it needs one that was lost
		}
	}
	clone := NewMem()
	clone.root = crashTree(m.root, survived, rng, opts)
	return clone
}

// crashTree copies what survived below a directory. It goes by the order of the
// names, so that rng is read in the same order each time.
func crashTree(n *inode, survived view, rng *rand.Rand, opts CrashOptions) *inode {
	if !n.isDir() {
		b := n.crashed(rng, opts)
		return &inode{data: b, durable: bytes.Clone(b), modTime: n.modTime}
	}
	dir := &inode{entries: map[string]*inode{}, durableEntries: map[string]*inode{}, modTime: n.modTime}
	entries := survived(n)
	for _, name := range sortedNames(entries) {
		child := crashTree(entries[name], survived, rng, opts)
		dir.entries[name], dir.durableEntries[name] = child, child
	}
	return dir
}

// crashed is the content of a file after a power loss. Two things are drawn: how
// many of the operations the length has seen, and for each sector which of its
// versions is on the disk. Half of the files have their writes in order, as most
// crashes leave them: all up to one that is torn, and none after it.
func (n *inode) crashed(rng *rand.Rand, opts CrashOptions) []byte {
	if len(n.pending) == 0 {
		return bytes.Clone(n.durable)
	}
	kept := 0 // operations that the length has seen
	for kept < len(n.pending) && rng.Float64() >= opts.DataLoss {
		kept++
	}
	if opts.DataLoss < 1 && rng.IntN(4) == 0 {
		kept = rng.IntN(len(n.pending) + 1)
	}
	inOrder := rng.IntN(2) == 0
	h := newSectorHistory(n, kept)
	out := make([]byte, h.length(rng, opts))
	if kept < len(n.pending) && opts.DataLoss < 1 {
		first, end := n.pending[kept].span(h.lengths[kept])
		h.tornAt = first + rng.Int64N(end-first+1)
	}
	for s := int64(0); s*sectorBytes < int64(len(out)); s++ {
		versions := h.versions[s]
		if len(versions) == 0 {
			if at := s * sectorBytes; at < int64(len(n.durable)) {
				copy(out[at:], n.durable[at:min(at+sectorBytes, int64(len(n.durable)))])
			}
			continue
		}
		copy(out[s*sectorBytes:], h.pick(s, inOrder, rng, opts))
	}
	return out
}

// sectorHistory is what the sectors of a file have held since it was synced.
type sectorHistory struct {
	kept     int
	tornAt   int64   // in order, sectors before it have seen one operation more
	lengths  []int64 // after so many operations
	versions map[int64][]sectorVersion
}

type sectorVersion struct {
	ops  int // operations done when the sector got this content
	data []byte
}

// newSectorHistory replays what was not synced. A truncation within the first
// kept operations ends the older versions of the sectors that it cuts off: they
// were given back to the disk. One after them hides all later versions of those,
// which are other sectors of the disk.
func newSectorHistory(n *inode, kept int) *sectorHistory {
	h := &sectorHistory{kept: kept, lengths: []int64{int64(len(n.durable))}, versions: map[int64][]sectorVersion{}}
	content := bytes.Clone(n.durable)
	hidden := int64(-1) // first sector of which nothing is recorded any more; -1: none
	for i := range n.pending {
		o := &n.pending[i]
		before := int64(len(content))
		first, end := o.span(before)
		h.base(content, first, end)
		content = o.apply(content)
		h.lengths = append(h.lengths, int64(len(content)))
		cutsOff := o.data == nil && o.offset < before
		if cutsOff && i < kept {
			h.zeroTail(o.offset)
		}
		if cutsOff && i >= kept && (hidden < 0 || sectorsUpTo(o.offset) < hidden) {
			hidden = sectorsUpTo(o.offset)
		}
		for s := first; s < end; s++ {
			if hidden >= 0 && s >= hidden {
				break
			}
			if cutsOff && s >= sectorsUpTo(o.offset) {
				h.versions[s] = []sectorVersion{{ops: i + 1, data: make([]byte, sectorBytes)}}
				continue
			}
			h.versions[s] = append(h.versions[s], sectorVersion{ops: i + 1, data: sectorOf(content, s)})
		}
	}
	return h
}

// zeroTail takes what a truncation to length cut off out of all versions of the
// sector that it went through.
func (h *sectorHistory) zeroTail(length int64) {
	for _, v := range h.versions[length/sectorBytes] {
		clear(v.data[length%sectorBytes:])
	}
}

// span is the sectors that an operation touches.
func (o *contentOp) span(length int64) (first, end int64) {
	from, to := o.offset, o.offset+int64(len(o.data))
	if o.data == nil {
		from, to = min(o.offset, length), max(o.offset, length)
	}
	return from / sectorBytes, sectorsUpTo(to)
}

func sectorsUpTo(length int64) int64 { return (length + sectorBytes - 1) / sectorBytes }

// base records what sectors held before they were first touched.
func (h *sectorHistory) base(content []byte, first, end int64) {
	for s := first; s < end; s++ {
		if h.versions[s] == nil {
			h.versions[s] = []sectorVersion{{data: sectorOf(content, s)}}
		}
	}
}

func sectorOf(content []byte, s int64) []byte {
	b := make([]byte, sectorBytes)
	if at := s * sectorBytes; at < int64(len(content)) {
		copy(b, content[at:])
	}
	return b
}

// length is what the file's length came to be. Where the next operation would
// have made it longer, it may have come a part of the way.
func (h *sectorHistory) length(rng *rand.Rand, opts CrashOptions) int64 {
	length := h.lengths[h.kept]
	if h.kept+1 < len(h.lengths) && h.lengths[h.kept+1] > length && opts.DataLoss < 1 {
		sectors := (h.lengths[h.kept+1] - length) / sectorBytes
		if sectors > 0 && rng.IntN(2) == 0 {
			length = length/sectorBytes*sectorBytes + (1+rng.Int64N(sectors))*sectorBytes
		}
	}
	return length
}

// pick draws a version of a sector.
func (h *sectorHistory) pick(s int64, inOrder bool, rng *rand.Rand, opts CrashOptions) []byte {
	versions := h.versions[s]
	if inOrder {
		last, seen := 0, h.kept
		if s < h.tornAt {
			seen++
		}
		for i := range versions {
			if versions[i].ops <= seen {
				last = i
			}
		}
		return versions[last].data
	}
	for i := len(versions) - 1; i > 0; i-- {
		if rng.Float64() >= opts.DataLoss {
			return versions[i].data
		}
	}
	return versions[0].data
}

// Clone returns the file system as a killed process leaves it: all that was
// written is there, and what was not synced can still be lost by a power loss.
// Nobody holds a lock. m is left as it is, and may go on.
func (m *Mem) Clone() *Mem {
	m.mu.RLock()
	defer m.mu.RUnlock()
	copies := map[*inode]*inode{}
	clone := &Mem{root: cloneNode(m.root, copies), locks: map[*inode]bool{}}
	for _, o := range m.names {
		clone.names = append(clone.names, nameOp{
			kind: o.kind, name: o.name, toName: o.toName,
			dir: cloneNode(o.dir, copies), toDir: cloneNode(o.toDir, copies),
			node: cloneNode(o.node, copies), replaced: cloneNode(o.replaced, copies),
		})
	}
	return clone
}

// cloneNode copies an inode and all that it leads to, each once.
func cloneNode(n *inode, copies map[*inode]*inode) *inode {
	if n == nil {
		return nil
	}
	if c, ok := copies[n]; ok {
		return c
	}
	c := &inode{modTime: n.modTime, data: bytes.Clone(n.data), durable: bytes.Clone(n.durable), pending: append([]contentOp(nil), n.pending...)}
	copies[n] = c
	if n.isDir() {
		c.entries, c.durableEntries = map[string]*inode{}, map[string]*inode{}
		for name, child := range n.entries {
			c.entries[name] = cloneNode(child, copies)
		}
		for name, child := range n.durableEntries {
			c.durableEntries[name] = cloneNode(child, copies)
		}
	}
	return c
}
