package replication

import (
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
)

// How much a follower may have been sent that it has not synced: of one partition,
// and of all. A sync of a few megabytes takes some ten milliseconds, so that these
// let a disk work at its speed.
const (
	partitionWindowBytes = 4 << 20
	streamWindowBytes    = 16 << 20
)

// feed is one partition's part of a stream.
type feed struct {
	partition *partition.Partition
	queued    bool // its turn will come
	marked    bool // it waits for the timer of marks
	blocked   bool // it has more to send than the window lets it
	// outside: no commit waits for the follower (partition.Due), so that throttles hold
	// the partition back; waits: they do, and will give it a turn.
	outside, waits bool
	unsynced       []piece
	bytes          int // of unsynced
	// talk counts the conversations: what is read for one may be ready when the next has
	// begun, and is nothing that its follower will acknowledge.
	talk int
	gone bool // forgotten, while it stood in a queue perhaps
}

// piece is batches that were sent, by where they end.
type piece struct {
	end   model.Offset
	bytes int
}

// window decides whose turn it is to send. Invariant: bytes is the sum over feeds.
type window struct {
	feeds   map[*partition.Partition]*feed
	queue   []*feed // those before next have had their turn
	next    int
	blocked []*feed // in the order in which their turn has passed
	bytes   int
}

func newWindow() window {
	return window{feeds: make(map[*partition.Partition]*feed)}
}

func (w *window) feed(p *partition.Partition) *feed {
	d := w.feeds[p]
	if d == nil {
		d = &feed{partition: p}
		w.feeds[p] = d
	}
	return d
}

// push queues a feed, unless it is.
func (w *window) push(d *feed) {
	if !d.queued && !d.blocked && !d.waits && !d.gone {
		d.queued = true
		if len(w.queue) == cap(w.queue) && 2*w.next >= len(w.queue) {
			rest := copy(w.queue, w.queue[w.next:])
			clear(w.queue[rest:])
			w.queue, w.next = w.queue[:rest], 0
		}
		w.queue = append(w.queue, d)
	}
}

// pop is the next that may send, and in which conversation; nil where none may.
func (w *window) pop() (d *feed, talk int) {
	for w.next < len(w.queue) {
		d := w.queue[w.next]
		w.queue[w.next] = nil
		w.next++
		d.queued = false
		if d.gone {
			continue
		}
		if w.maySend(d) {
			return d, d.talk
		}
		d.blocked = true
		w.blocked = append(w.blocked, d)
	}
	w.queue, w.next = w.queue[:0], 0
	return nil, 0
}

// waiting reports whether anybody's turn is to come.
func (w *window) waiting() bool { return w.next < len(w.queue) }

// maySend: who has nothing under way may, or a full window could keep a partition
// waiting for others' acknowledgements.
func (w *window) maySend(d *feed) bool {
	return d.bytes == 0 || d.bytes < partitionWindowBytes && w.bytes < streamWindowBytes
}

// sent: batches of a conversation were sent.
func (w *window) sent(d *feed, talk int, end model.Offset, bytes int) {
	if talk != d.talk {
		return
	}
	d.unsynced = append(d.unsynced, piece{end, bytes})
	d.bytes += bytes
	w.bytes += bytes
}

// acked: the follower has synced what ends at or before end.
func (w *window) acked(p *partition.Partition, end model.Offset) {
	d := w.feeds[p]
	if d == nil {
		return
	}
	n := 0
	for n < len(d.unsynced) && d.unsynced[n].end <= end {
		d.bytes -= d.unsynced[n].bytes
		w.bytes -= d.unsynced[n].bytes
		n++
	}
	d.unsynced = append(d.unsynced[:0], d.unsynced[n:]...)
	w.unblock()
}

// restarted: the conversation has begun again, and what was under way is lost. It is
// called after the partition knows that, and before it can have anything to send in the
// new one.
func (w *window) restarted(p *partition.Partition) {
	d := w.feeds[p]
	if d == nil {
		return
	}
	w.bytes -= d.bytes
	d.unsynced, d.bytes = nil, 0
	d.talk++
	w.unblock()
}

// forget: the partition is not sent any more. It returns its feed, where there is one.
func (w *window) forget(p *partition.Partition) *feed {
	w.restarted(p)
	d := w.feeds[p]
	if d != nil {
		d.gone = true
		delete(w.feeds, p)
	}
	return d
}

// unblock gives all that wait another turn, in their order.
func (w *window) unblock() {
	blocked := w.blocked
	w.blocked = nil
	for _, d := range blocked {
		d.blocked = false
		w.push(d)
	}
}
