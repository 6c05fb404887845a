package group

import (
	"container/heap"
	"time"
)

// deadlineKind is what is due.
type deadlineKind int8

const (
	sessionEnds  deadlineKind = iota // of a member, or of a pending member's id
	joinEnds                         // the join phase of a rebalance
	syncEnds                         // the sync phase of a rebalance
	expiryBegins                     // the check for expired offsets
)

// deadlineKey names a deadline; each is set at most once.
type deadlineKey struct {
	kind   deadlineKind
	group  string
	member string
}

type deadline struct {
	key   deadlineKey
	at    time.Time
	index int // in the heap
}

// deadlines is a heap of deadlines that can be moved and taken back.
type deadlines struct {
	heap  deadlineHeap
	byKey map[deadlineKey]*deadline
}

func newDeadlines() deadlines { return deadlines{byKey: make(map[deadlineKey]*deadline)} }

// set makes key due at a time, whether it was set before or not.
func (d *deadlines) set(key deadlineKey, at time.Time) {
	if known := d.byKey[key]; known != nil {
		known.at = at
		heap.Fix(&d.heap, known.index)
		return
	}
	added := &deadline{key: key, at: at}
	d.byKey[key] = added
	heap.Push(&d.heap, added)
}

// cancel takes key back, where it is set.
func (d *deadlines) cancel(key deadlineKey) {
	if known := d.byKey[key]; known != nil {
		heap.Remove(&d.heap, known.index)
		delete(d.byKey, key)
	}
}

// first is when the next deadline is due; false: there is none.
func (d *deadlines) first() (time.Time, bool) {
	if len(d.heap) == 0 {
		return time.Time{}, false
	}
	return d.heap[0].at, true
}

// tryPop takes the first deadline where it is due.
func (d *deadlines) tryPop(now time.Time) (deadlineKey, bool) {
	if at, ok := d.first(); !ok || at.After(now) {
		return deadlineKey{}, false
	}
	key := d.heap[0].key
	d.cancel(key)
	return key, true
}

// deadlineHeap implements heap.Interface.
type deadlineHeap []*deadline

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *deadlineHeap) Push(x any) {
	d := x.(*deadline)
	d.index = len(*h)
	*h = append(*h, d)
}

func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	d := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return d
}
