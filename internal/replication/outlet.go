package replication

import (
	"slices"
	"sync"

	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
)

// outlet holds the small messages that wait to be sent: of each partition the
// newest, which says all that the ones before it did. So it is no longer than there
// are partitions, however slow the stream.
type outlet struct {
	signal chan struct{} // capacity 1: there is something

	mu struct {
		sync.Mutex
		newest map[*partition.Partition]replica.Message
		order  []*partition.Partition // as they came
	}
}

func newOutlet() *outlet {
	o := &outlet{signal: make(chan struct{}, 1)}
	o.mu.newest = make(map[*partition.Partition]replica.Message)
	return o
}

// put queues a message in place of an earlier one of the partition.
func (o *outlet) put(p *partition.Partition, m replica.Message, by partition.Sender) {
	o.mu.Lock()
	if _, queued := o.mu.newest[p]; !queued {
		o.mu.order = append(o.mu.order, p)
	}
	o.mu.newest[p] = m
	o.mu.Unlock()
	if by == partition.StreamSends {
		o.notify()
	}
}

func (o *outlet) notify() {
	select {
	case o.signal <- struct{}{}:
	default:
	}
}

// appendTo moves what is queued into a frame, as much as fits into bytesMax.
func (o *outlet) appendTo(frame []byte, bytesMax int) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := 0
	for _, p := range o.mu.order {
		if len(frame) >= bytesMax {
			o.notify()
			break
		}
		m := o.mu.newest[p]
		frame = appendEntry(frame, p.TopicID(), p.Name().Partition, &m)
		delete(o.mu.newest, p)
		taken++
	}
	o.mu.order = append(o.mu.order[:0], o.mu.order[taken:]...)
	return frame
}

// forget drops what is queued for a partition.
func (o *outlet) forget(p *partition.Partition) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, queued := o.mu.newest[p]; queued {
		delete(o.mu.newest, p)
		o.mu.order = slices.DeleteFunc(o.mu.order, func(q *partition.Partition) bool { return q == p })
	}
}

// clear drops what is queued: the stream that it was for has ended.
func (o *outlet) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.mu.newest)
	o.mu.order = nil
}
