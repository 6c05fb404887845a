package sim

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// disk is what of a node is durable, and the device that makes it so: one
// operation after another, each with a latency, each with a crash possible before,
// in and after it. A process that dies leaves the page cache; a machine that loses
// power leaves what was synced, and a prefix of the rest.
type disk struct {
	w         *world
	directory model.DirectoryID
	logs      []*partitionLog     // by partition of the cluster
	normal    []model.LeaderEpoch // by partition
	marks     []model.Offset      // high watermarks as they are checkpointed, by partition
	dropped   []model.LeaderEpoch // in which the node was last told to give the copy up, by partition; 0: never
	raft      raftDisk

	// unclean: unsynced data may have gone since the last registration.
	unclean bool
	// lanes are what goes on beside each other.
	lanes [lanes]lane

	latency struct{ min, max time.Duration }
	slow    int  // latencies are multiplied by it, where it is set
	slowLog int  // the same for logs alone
	failing bool // the next sync fails
	full    bool // writes fail
}

// forget removes a partition's log, and what else is kept of it.
func (d *disk) forget(i int) {
	d.logs[i], d.normal[i], d.marks[i] = nil, model.NoLeaderEpoch, 0
}

// What an operation is on: the partitions' logs, small files beside them, or the
// metadata, which has a disk of its own.
const (
	onLogs = iota
	onFiles
	onMetadata
	lanes
)

// lane is a queue of operations of which the first is under way.
type lane struct {
	ops []operation
	// busy: an operation is under way, or its end is being dealt with.
	busy, underWay bool
}

// operation is one durable step. change happens when it completes; in a crash in
// the midst of it, perhaps. begin is called when the device takes it up.
type operation struct {
	run    *process
	lane   int
	begin  func()
	change func()
	done   func()
	// half is what a crash in its midst may leave; where nil, all or nothing.
	half func()
}

// submit queues an operation for a process.
func (d *disk) submit(op operation) {
	l := &d.lanes[op.lane]
	l.ops = append(l.ops, op)
	if !l.busy {
		d.start(l)
	}
}

// start takes the next operation up. busy stays set while its end is dealt with,
// so that what is submitted there waits its turn.
func (d *disk) start(l *lane) {
	l.busy, l.underWay = true, true
	op := l.ops[0]
	if op.begin != nil {
		op.begin()
	}
	latency := d.w.skewed(d.latency.min, d.latency.max)
	if d.slow > 0 {
		latency *= time.Duration(d.slow)
	}
	if d.slowLog > 0 && op.lane == onLogs {
		latency = min(latency*time.Duration(d.slowLog), 3*time.Second)
	}
	d.w.schedule(latency, op.run, func() { d.finish(l, op) })
}

func (d *disk) finish(l *lane, op operation) {
	if d.failing {
		d.failing = false
		op.run.fence("EIO")
		return
	}
	op.run.boundary()
	if op.run.dead {
		return
	}
	op.change()
	l.ops, l.underWay = l.ops[1:], false
	if op.done != nil {
		op.done()
	}
	if !op.run.dead {
		op.run.boundary()
	}
	switch {
	case op.run.dead:
	case len(l.ops) > 0:
		d.start(l)
	default:
		l.busy = false
	}
}

// crash ends all operations; those under way have happened, or not.
func (d *disk) crash() {
	for i := range d.lanes {
		if l := &d.lanes[i]; l.underWay {
			switch op := l.ops[0]; {
			case op.half != nil:
				op.half()
			case d.w.chance(0.5):
				op.change()
			}
		}
		d.lanes[i] = lane{}
	}
}

// forgetEmptyEpochs: where an epoch starts becomes durable with its first record.
func (d *disk) forgetEmptyEpochs() {
	for _, l := range d.logs {
		if l != nil {
			l.epochs.TruncateEnd(l.EndOffset())
		}
	}
}

// losePower keeps what is synced and a prefix of the rest of each log; it returns
// how many batches are lost.
func (d *disk) losePower() (lost int) {
	for _, l := range d.logs {
		if l == nil {
			continue
		}
		unsynced := len(l.batches) - l.at(l.synced)
		lost += l.losePower(d.w.rng.IntN(unsynced + 1))
	}
	d.unclean = true
	return lost
}

// empty replaces the partitions' disk by an empty one. The metadata's is another
// (metadata.log.dir): a voter that forgets its vote is not what Raft survives.
func (d *disk) empty(id model.DirectoryID) {
	d.directory = id
	for i := range d.logs {
		d.logs[i] = nil
		d.normal[i] = model.NoLeaderEpoch
		d.marks[i] = 0
	}
}

// syncAll is the end of a stop in order.
func (d *disk) syncAll() {
	for _, l := range d.logs {
		if l != nil {
			l.synced = l.EndOffset()
		}
	}
}
