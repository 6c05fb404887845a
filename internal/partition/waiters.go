package partition

import (
	"container/heap"
	"sync"

	"github.com/chronik/chronik/internal/model"
)

// waiter is one who waits for an offset to be reached.
type waiter struct {
	end  model.Offset // exclusive: satisfied once the mark is at or above it
	done chan error   // capacity 1; receives exactly one value
	slot int          // index in the heap; -1 once it has left
}

// waiterPool keeps waiters that nobody waits with any more: each of a produce request's
// batches has one for as long as a disk takes.
type waiterPool struct{ pool sync.Pool }

func (p *waiterPool) get(end model.Offset) *waiter {
	x, ok := p.pool.Get().(*waiter)
	if !ok {
		x = &waiter{done: make(chan error, 1)}
	}
	x.end = end
	return x
}

// put takes back a waiter that has left its heap, and whose value has been received.
func (p *waiterPool) put(x *waiter) { p.pool.Put(x) }

// waiters are those who wait for a mark that only grows, least offset first.
// The caller holds the partition's lock.
type waiters struct {
	heap waiterHeap
}

func (w *waiters) add(x *waiter) { heap.Push(&w.heap, x) }

// reached completes everyone who waited for mark or less.
func (w *waiters) reached(mark model.Offset) {
	for len(w.heap) > 0 && w.heap[0].end <= mark {
		heap.Pop(&w.heap).(*waiter).done <- nil
	}
}

// fail completes everyone with err.
func (w *waiters) fail(err error) {
	for _, x := range w.heap {
		x.slot = -1
		x.done <- err
	}
	w.heap = nil
}

// remove forgets one who has given up waiting.
func (w *waiters) remove(x *waiter) {
	if x.slot >= 0 {
		heap.Remove(&w.heap, x.slot)
		return
	}
	<-x.done // it was completed in the meantime
}

type waiterHeap []*waiter

func (h waiterHeap) Len() int           { return len(h) }
func (h waiterHeap) Less(i, j int) bool { return h[i].end < h[j].end }
func (h waiterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *waiterHeap) Push(x any) {
	w := x.(*waiter)
	w.slot = len(*h)
	*h = append(*h, w)
}

func (h *waiterHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	w.slot = -1
	return w
}
