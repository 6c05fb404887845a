package checker

import "github.com/chronik/chronik/interop/faults/history"

// acknowledged looks for every acknowledged record in the log, at the offset that was
// acknowledged, and for records of which nobody ever heard again.
func acknowledged(v *Verdict, x *index) {
	for _, op := range x.produced {
		if op.Outcome == history.Pending {
			v.add(Stuck, op.Partition, history.NoOffset, "%s was sent by %s and neither acknowledged nor given up", op.Value, op.Client)
		}
		if op.Outcome != history.Acked {
			continue
		}
		p := x.of(op.Partition)
		at, there := p.at[op.Value]
		switch {
		case there && op.Offset != history.NoOffset && at != op.Offset && p.log[op.Offset] != op.Value:
			v.add(Moved, op.Partition, op.Offset, "%s was acknowledged here, and is at %d", op.Value, at)
		case there:
		case op.Offset < p.end && op.Offset != history.NoOffset, op.Offset == history.NoOffset && op.Sequence < p.latest[op.Client]:
			v.add(Lost, op.Partition, op.Offset, "%s was acknowledged to %s, and is not in the log, which ends at %d", op.Value, op.Client, p.end)
		default:
			v.add(Unseen, op.Partition, op.Offset, "%s was acknowledged to %s, and the log ends at %d", op.Value, op.Client, p.end)
		}
	}
}

// offsets looks for offsets that two clients have seen differently, and for those that
// the last reader was not given.
func offsets(v *Verdict, x *index) {
	for _, number := range x.numbers() {
		p := x.partitions[number]
		for _, offset := range sortedKeys(p.seen) {
			if s := p.seen[offset]; len(s) > 1 {
				v.add(Inconsistent, number, offset, "%s (%s) and %s (%s)", s[0].value, s[0].by, s[1].value, s[1].by)
			}
		}
		for offset := int64(0); p.told && offset < p.end; offset++ {
			if _, there := p.log[offset]; !there {
				v.add(Unread, number, offset, "the log ends at %d, and the last reader did not get this", p.end)
			}
		}
	}
}

// values looks at where each value has been read, and whether it may be there.
func values(v *Verdict, x *index) {
	for _, number := range x.numbers() {
		p := x.partitions[number]
		first := map[string]int64{}
		for _, offset := range sortedKeys(p.seen) {
			for _, s := range p.seen[offset] {
				if !s.read {
					continue // Moved, if anything
				}
				if at, twice := first[s.value]; twice {
					v.add(Duplicated, number, offset, "%s (%s) is also at %d", s.value, s.by, at)
				} else {
					first[s.value] = offset
				}
			}
		}
	}
	for _, op := range x.reads {
		p := x.of(op.Partition)
		for _, r := range op.Records {
			if sent := x.sent[r.Value]; sent == nil {
				v.add(Invented, op.Partition, r.Offset, "%.80q was read by %s, and nobody sent it", r.Value, op.Client)
			} else if sent.Partition != op.Partition {
				v.add(Invented, op.Partition, r.Offset, "%s was read by %s, and sent to partition %d", r.Value, op.Client, sent.Partition)
			} else if _, there := p.at[r.Value]; !there {
				v.add(Phantom, op.Partition, r.Offset, "%s was read by %s, and is not in the log, which ends at %d", r.Value, op.Client, p.end)
			}
		}
	}
}
