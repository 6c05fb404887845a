package checker

import (
	"slices"

	"github.com/chronik/chronik/interop/faults/history"
)

// index is a history, ordered for the questions that are asked of it.
type index struct {
	produced   []*history.Op
	sent       map[string]*history.Op // by value
	reads      []*history.Op          // Read and Final
	commits    []*history.Op
	committed  []*history.Op
	partitions map[int32]*partition
}

// partition is what is known of one partition.
type partition struct {
	log  map[int64]string // what the last reader read
	end  int64            // where it was told that the log ends, or what it read ends
	told bool             // it was told
	at   map[string]int64 // the log the other way round: where a value is first
	seen map[int64][]sighting

	latest map[string]int64 // by producer: the greatest sequence in the log
}

// sighting is a value at an offset, as a client has seen it.
type sighting struct {
	value string
	by    string // who was first
	read  bool   // by somebody: not only acknowledged
}

func newIndex(ops []history.Op) *index {
	x := &index{sent: map[string]*history.Op{}, partitions: map[int32]*partition{}}
	for i := range ops {
		op := &ops[i]
		switch op.Kind {
		case history.Produce:
			x.produced = append(x.produced, op)
			x.sent[op.Value] = op
			if op.Outcome == history.Acked && op.Offset != history.NoOffset {
				x.of(op.Partition).sighted(op.Offset, sighting{value: op.Value, by: "acknowledged to " + op.Client})
			}
		case history.Read, history.Final:
			x.reads = append(x.reads, op)
			x.read(op)
		case history.End:
			p := x.of(op.Partition)
			p.end, p.told = max(p.end, op.Offset), true
		case history.Commit:
			x.commits = append(x.commits, op)
		case history.Committed:
			x.committed = append(x.committed, op)
		case history.Trouble:
		}
	}
	x.findLatest()
	return x
}

func (x *index) findLatest() {
	for number, p := range x.partitions {
		for value := range p.at {
			if op := x.sent[value]; op != nil && op.Partition == number {
				p.latest[op.Client] = max(p.latest[op.Client], op.Sequence)
			}
		}
	}
}

func (x *index) of(p int32) *partition {
	if x.partitions[p] == nil {
		x.partitions[p] = &partition{log: map[int64]string{}, at: map[string]int64{}, seen: map[int64][]sighting{}, latest: map[string]int64{}}
	}
	return x.partitions[p]
}

func (x *index) read(op *history.Op) {
	p := x.of(op.Partition)
	for _, r := range op.Records {
		p.sighted(r.Offset, sighting{value: r.Value, by: "read by " + op.Client, read: true})
		if op.Kind != history.Final {
			continue
		}
		p.log[r.Offset] = r.Value
		p.end = max(p.end, r.Offset+1)
		if at, known := p.at[r.Value]; !known || r.Offset < at {
			p.at[r.Value] = r.Offset
		}
	}
}

// sighted keeps a value once an offset: most offsets have one, which many have seen.
func (p *partition) sighted(offset int64, s sighting) {
	at := slices.IndexFunc(p.seen[offset], func(other sighting) bool { return other.value == s.value })
	if at < 0 {
		p.seen[offset] = append(p.seen[offset], s)
	} else if s.read {
		p.seen[offset][at].read = true
	}
}

// numbers are the partitions in order.
func (x *index) numbers() []int32 {
	return sortedKeys(x.partitions)
}

func sortedKeys[K int32 | int64, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
