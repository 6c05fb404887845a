package replication

import (
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
)

// earlyMax bounds the positions that a follower's stream keeps for partitions that this
// node does not have yet. Who finds no room asks again.
const earlyMax = 1 << 16

type earlyKey struct {
	topic     model.TopicID
	partition model.Partition
}

// keepEarly keeps the position of a follower that has applied the topic's creation
// before this node has made its log: dropped, it would come again half a second later,
// and the first record would wait for that.
func (f *feeds) keepEarly(e entry) {
	if e.message.Kind != replica.Position {
		return
	}
	f.mu.Lock()
	if len(f.mu.early) < earlyMax {
		f.mu.early[earlyKey{e.topic, e.partition}] = e.message
	}
	f.mu.Unlock()
	if p := f.streams.options.Partitions.Find(e.topic, e.partition); p != nil {
		f.deliverEarly(p) // it was opened just now
	}
}

// deliverEarly gives a partition that has been opened the position that was kept.
func (f *feeds) deliverEarly(p *partition.Partition) {
	key := earlyKey{p.TopicID(), p.Name().Partition}
	f.mu.Lock()
	m, kept := f.mu.early[key]
	delete(f.mu.early, key)
	f.mu.Unlock()
	if kept {
		p.Receive(f.follower, m, nil)
	}
}
