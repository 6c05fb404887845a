package checker

import (
	"cmp"
	"slices"

	"github.com/chronik/chronik/interop/faults/history"
)

// commits looks for offsets of the group that went back: one that was committed, or
// asked for, at a time when a greater one had been acknowledged or seen.
func commits(v *Verdict, x *index) {
	known := slices.DeleteFunc(slices.Concat(x.commits, x.committed), func(op *history.Op) bool {
		return op.Kind == history.Commit && op.Outcome != history.Acked
	})
	byEnd := slices.Clone(known)
	slices.SortStableFunc(byEnd, func(a, b *history.Op) int { return cmp.Compare(a.Ended, b.Ended) })
	slices.SortStableFunc(known, func(a, b *history.Op) int { return cmp.Compare(a.Began, b.Began) })
	greatest := map[int32]*history.Op{}
	for _, op := range known {
		for len(byEnd) > 0 && byEnd[0].Ended < op.Began {
			if g := greatest[byEnd[0].Partition]; g == nil || byEnd[0].Offset > g.Offset {
				greatest[byEnd[0].Partition] = byEnd[0]
			}
			byEnd = byEnd[1:]
		}
		if g := greatest[op.Partition]; g != nil && op.Offset < g.Offset {
			v.add(CommitBackwards, op.Partition, op.Offset, "%s (%s), after %d (%s, %s)", op.Kind, op.Client, g.Offset, g.Kind, g.Client)
		}
	}
}

// coverage holds the group to at-least-once: whatever is below a committed offset was
// given to some member.
func coverage(v *Verdict, x *index) {
	members, greatest := map[string]bool{}, map[int32]int64{}
	for _, op := range x.commits {
		members[op.Client] = true
		if op.Outcome == history.Acked {
			greatest[op.Partition] = max(greatest[op.Partition], op.Offset)
		}
	}
	got := map[int32]map[int64]bool{}
	for _, op := range x.reads {
		if !members[op.Client] {
			continue
		}
		if got[op.Partition] == nil {
			got[op.Partition] = map[int64]bool{}
		}
		for _, r := range op.Records {
			got[op.Partition][r.Offset] = true
		}
	}
	for _, number := range sortedKeys(greatest) {
		for offset := range greatest[number] {
			if !got[number][offset] {
				v.add(CommitSkipped, number, offset, "%d is committed, and no member has got this", greatest[number])
			}
		}
	}
}
