package sim

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// node is a machine: a disk, and a process where one runs.
type node struct {
	c       *cluster
	index   int // its node id, too
	disk    *disk
	process *process // nil: down
	runs    int

	// rotten: a batch on the disk cannot be read. condemned: that was noticed, and the
	// node stays down until it has another disk.
	rotten, condemned bool
	// doomed: it loses its power when it leads with what it has not synced.
	doomed bool

	// ahead is how far the node's clock has jumped. It never goes back (CLOCK_MONOTONIC).
	ahead time.Duration

	paused   bool
	deferred []event // what waits for the end of the pause
	// lost: the disk has lost, at some time, what it may have acknowledged, by partition.
	lost []bool
	rack string
}

func (n *node) id() model.NodeID { return model.NodeID(n.index) }

// deliver gives a message to the process that runs now; one that is paused gets it
// later.
func (n *node) deliver(do func(*process)) {
	p := n.process
	if p == nil {
		return
	}
	if n.paused {
		n.deferred = append(n.deferred, event{run: p, do: func() { do(p) }})
		return
	}
	do(p)
}

func (n *node) pause() {
	n.paused = true
	n.c.w.note(n.index, "paused")
}

func (n *node) resume() {
	n.paused = false
	n.c.w.note(n.index, "resumed")
	waiting := n.deferred
	n.deferred = nil
	for _, e := range waiting {
		n.c.w.schedule(0, e.run, e.do)
	}
}

// how a process ends.
type ending uint8

const (
	killed    ending = iota // kill -9: the page cache stays
	powerLoss               // the machine: what was synced stays, and a prefix of the rest
	diskError               // a sync has failed: what was not synced may be gone
	stopped                 // in order
)

// crash ends the process.
func (n *node) crash(how ending, why string) {
	p := n.process
	if p == nil {
		return
	}
	c := n.c
	c.w.note(n.index, "crash: "+why)
	p.dead, n.process = true, nil
	n.deferred = nil
	n.paused = false
	n.disk.crash()
	n.disk.forgetEmptyEpochs()
	switch how {
	case powerLoss, diskError:
		c.stats.LostBatches += n.disk.losePower()
		n.noteLost(func(i int) bool { return c.relaxed[i] })
	case killed:
	case stopped:
		n.disk.syncAll()
	}
	if how != stopped {
		c.stats.Crashes++
	}
	c.net.breakAll(n.index)
	for _, other := range c.nodes {
		if other != n {
			c.net.datagram(n.index, other.index, func(p *process) { p.connectionLost(n.id()) })
		}
	}
}

// noteLost: the copies of these partitions may lack what they acknowledged.
func (n *node) noteLost(which func(partition int) bool) {
	for i := range n.lost {
		n.lost[i] = n.lost[i] || which(i) && n.disk.logs[i] != nil
	}
}

// empty replaces the disk of a node that is down by an empty one.
func (n *node) empty() {
	n.c.w.note(n.index, "disk emptied")
	n.noteLost(func(int) bool { return true })
	n.disk.empty(n.c.newID())
	n.rotten, n.condemned = false, false
	n.c.stats.EmptiedDisks++
	for i := range n.lost {
		delete(n.c.checkers.EpochsForward.seen, replicaKey{n.index, i})
	}
}

// start runs a new process.
func (n *node) start() {
	if n.process != nil || n.condemned {
		return
	}
	n.runs++
	n.c.w.note(n.index, "start, run %d", int64(n.runs))
	p := newProcess(n)
	n.process = p
	p.begin()
}
