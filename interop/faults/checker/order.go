package checker

import "github.com/chronik/chronik/interop/faults/history"

// order holds the log of each partition to the order in which each producer sent.
func order(v *Verdict, x *index) {
	for _, number := range x.numbers() {
		p := x.partitions[number]
		last := map[string]*history.Op{} // by client
		for _, offset := range sortedKeys(p.log) {
			op := x.sent[p.log[offset]]
			if op == nil || op.Partition != number {
				continue // invented
			}
			before := last[op.Client]
			if before != nil && op.Sequence < before.Sequence && p.at[op.Value] == offset {
				v.add(Reordered, number, offset, "%s comes after %s, which was sent later", op.Value, before.Value)
			}
			if before == nil || op.Sequence > before.Sequence {
				last[op.Client] = op
			}
		}
	}
}

// session is one consumer on its way through one partition.
type session struct {
	client    string
	partition int32
	number    int64
}

// sessions follows each consumer from offset to offset. The logs have neither
// transactions nor compaction, so that one offset follows the other.
func sessions(v *Verdict, x *index) {
	next := map[session]int64{}
	for _, op := range x.reads {
		at := session{op.Client, op.Partition, op.Session}
		for _, r := range op.Records {
			want, begun := next[at]
			switch {
			case begun && r.Offset < want:
				v.add(Backwards, op.Partition, r.Offset, "%s had read up to %d", op.Client, want)
			case begun && r.Offset > want:
				v.add(Skipped, op.Partition, want, "%s was given %d next", op.Client, r.Offset)
			}
			next[at] = r.Offset + 1
		}
	}
}
