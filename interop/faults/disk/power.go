//go:build linux

package disk

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
)

const (
	// pageBytes is what the kernel writes back at once, and sectorBytes what a disk writes
	// whole or not at all.
	pageBytes   = 4096
	sectorBytes = 512
)

// Loss is what a loss of power took.
type Loss struct {
	Names int   `json:"names"` // operations on names
	Files int   `json:"files"` // files whose content or length is not what it was
	Bytes int64 `json:"bytes"` // written and gone
}

// LosePower takes back what was not synced, or part of it, as the seed decides. The
// disk must not be mounted: what processes have open is gone, too.
func (d *Disk) LosePower(seed uint64) (Loss, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rng := rand.New(rand.NewPCG(seed, 0))
	loss := Loss{Names: d.loseNamesLocked(rng)}
	for _, n := range d.nodes {
		n.lookups, n.pins, n.links = 0, 0, 0
	}
	d.pending = nil
	kept := map[*node]bool{}
	err := d.loseBelow(d.root, kept, rng, &loss)
	for _, n := range d.nodes {
		if !kept[n] {
			d.freeLocked(n)
		}
	}
	return loss, err
}

// loseNamesLocked takes operations on names back: of each directory, with those that are
// bound to it, all, none, or the last ones.
func (d *Disk) loseNamesLocked(rng *rand.Rand) int {
	keep := make([]bool, len(d.pending))
	decided := make([]bool, len(d.pending))
	for first := range d.pending {
		if decided[first] {
			continue
		}
		dirs := d.boundLocked(d.pending[first][0].dir)
		var bound []int
		for i := first; i < len(d.pending); i++ {
			if d.pending[i].touches(dirs) {
				bound, decided[i] = append(bound, i), true
			}
		}
		for _, i := range bound[:prefix(len(bound), rng)] {
			keep[i] = true
		}
	}
	lost := 0
	for i, op := range slices.Backward(d.pending) {
		if !keep[i] {
			op.undo()
			lost++
		}
	}
	return lost
}

// prefix is how many of n operations survive: none in half of all cases.
func prefix(n int, rng *rand.Rand) int {
	switch rng.IntN(4) {
	case 0:
		return n
	case 1:
		return rng.IntN(n + 1)
	default:
		return 0
	}
}

// loseBelow counts names anew below a directory, and has the files there lose what they
// lose.
func (d *Disk) loseBelow(dir *node, kept map[*node]bool, rng *rand.Rand, loss *Loss) error {
	kept[dir] = true
	var err error
	for _, name := range slices.Sorted(maps.Keys(dir.entries)) {
		n := dir.entries[name]
		n.links++
		switch {
		case kept[n]:
		case n.isDir():
			err = errors.Join(err, d.loseBelow(n, kept, rng, loss))
		default:
			kept[n] = true
			if n.content == nil {
				continue
			}
			lost, failed := n.content.losePower(rng)
			if err = errors.Join(err, failed); lost >= 0 {
				loss.Files++
				loss.Bytes += lost
			}
		}
	}
	return err
}

// losePower takes back what was not synced, or part of it. It returns how many bytes had
// been written that are gone, or -1 where nothing is.
func (c *content) losePower(rng *rand.Rand) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.journal, c.doomed, c.reserved = nil, false, 0 }()
	if len(c.journal) == 0 {
		return -1, nil
	}
	if rng.IntN(4) == 0 && !slices.ContainsFunc(c.journal, edit.shortens) {
		return c.scatter(rng)
	}
	survive := prefix(len(c.journal), rng)
	if survive == len(c.journal) {
		return -1, nil
	}
	var lost int64
	var torn edit
	for len(c.journal) > survive {
		torn = c.journal[len(c.journal)-1]
		if len(c.journal) == survive+1 && survive > 0 && torn.bytes > sectorBytes {
			kept, err := c.tear(torn, rng)
			return lost + torn.bytes - kept, err
		}
		lost += torn.bytes
		if err := c.undo(); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// shortens tells a truncation that has cut something off.
func (e edit) shortens() bool { return e.bytes == 0 && e.sizeBefore > e.offset }

// tear takes the last edit, a write, back from a sector on, and returns how many of its
// bytes stay.
func (c *content) tear(e edit, rng *rand.Rand) (int64, error) {
	kept := rng.Int64N(e.bytes/sectorBytes+1) * sectorBytes
	data := make([]byte, kept)
	if _, err := c.backing.ReadAt(data, e.offset); err != nil {
		return 0, err
	}
	if err := c.undo(); err != nil {
		return 0, err
	}
	if kept > 0 {
		if _, err := c.backing.WriteAt(data, e.offset); err != nil {
			return 0, err
		}
		c.size = max(c.size, e.offset+kept)
	}
	return kept, nil
}

// scatter keeps every other page of those that were written, and some of the length: pages
// are written back in no order. What is between them and was never written back is zero.
func (c *content) scatter(rng *rand.Rand) (int64, error) {
	pages, size := map[int64][]byte{}, c.size
	var written int64
	for _, e := range c.journal {
		written += e.bytes
		for p := e.offset / pageBytes; p*pageBytes < e.offset+e.bytes; p++ {
			pages[p] = nil
		}
	}
	for p := range pages {
		page := make([]byte, pageBytes)
		n, err := c.read(page, p*pageBytes)
		if err != nil {
			return 0, err
		}
		pages[p] = page[:n]
	}
	for len(c.journal) > 0 {
		if err := c.undo(); err != nil {
			return 0, err
		}
	}
	c.size += rng.Int64N(size - c.size + 1)
	err := c.backing.Truncate(c.size)
	var kept int64
	for _, p := range slices.Sorted(maps.Keys(pages)) {
		page := pages[p][:max(0, min(int64(len(pages[p])), c.size-p*pageBytes))]
		if len(page) == 0 || rng.IntN(2) == 0 {
			continue
		}
		_, failed := c.backing.WriteAt(page, p*pageBytes)
		err = errors.Join(err, failed)
		kept += int64(len(page))
	}
	return max(0, written-kept), err
}
