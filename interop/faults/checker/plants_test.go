package checker

import (
	"slices"
	"testing"
	"time"

	"github.com/chronik/chronik/interop/faults/history"
)

// plant is an anomaly, and how it is brought into a clean history. Some are several
// at once: a value in the place of another is an offset with two values, and a value
// lost.
type plant struct {
	name  string
	plant func(t *testing.T, ops []history.Op) []history.Op
	want  []Kind
}

// recordPlants are of what was sent, and where it is.
func recordPlants() []plant {
	return []plant{
		{"an acknowledged record is gone", func(t *testing.T, ops []history.Op) []history.Op {
			gone := acked(t, ops, 40)
			gone.Value = "go-0.0.gone" // the log has what was sent before it was renamed
			return append(ops, history.Op{Kind: history.Produce, Client: gone.Client, Outcome: history.Unknown, Offset: history.NoOffset,
				Value: find(t, ops, history.Final, 0).Records[40].Value, Sequence: gone.Sequence})
		}, []Kind{Lost, Inconsistent}},
		{"an acknowledged record without an offset is gone", func(_ *testing.T, ops []history.Op) []history.Op {
			return append(ops, history.Op{Kind: history.Produce, Client: "go-0", Outcome: history.Acked, Offset: history.NoOffset, Value: "x", Sequence: 3})
		}, []Kind{Lost}},
		{"the end of the log is gone", func(t *testing.T, ops []history.Op) []history.Op {
			return append(ops, history.Op{Kind: history.Produce, Client: "go-0", Outcome: history.Acked, Offset: 10_000, Value: "x", Sequence: 10_000})
		}, []Kind{Unseen}},
		{"the last reader does not come to the end", func(t *testing.T, ops []history.Op) []history.Op {
			find(t, ops, history.End, 0).Offset += 2
			return ops
		}, []Kind{Unread}},
		{"a record is there twice", func(t *testing.T, ops []history.Op) []history.Op {
			final := find(t, ops, history.Final, 0)
			end := int64(len(final.Records))
			final.Records = append(final.Records, history.Record{Offset: end, Value: final.Records[end-5].Value})
			return ops
		}, []Kind{Duplicated}},
		{"two readers see two values", func(t *testing.T, ops []history.Op) []history.Op {
			ops = append(ops, history.Op{Kind: history.Produce, Client: "go-9", Outcome: history.Unknown, Offset: history.NoOffset, Value: "other"})
			find(t, ops, history.Read, 0).Records[2].Value = "other"
			return ops
		}, []Kind{Inconsistent, Phantom}},
		{"a record is elsewhere", func(t *testing.T, ops []history.Op) []history.Op {
			acked(t, ops, 40).Offset = 10_000
			return ops
		}, []Kind{Moved}},
		{"a reader is ahead of the high watermark", func(t *testing.T, ops []history.Op) []history.Op {
			ops = append(ops, history.Op{Kind: history.Produce, Client: "go-9", Outcome: history.Unknown, Offset: history.NoOffset, Value: "early"})
			end := find(t, ops, history.End, 0).Offset
			return append(ops, history.Op{Kind: history.Read, Client: "hasty", Records: []history.Record{{Offset: end, Value: "early"}}})
		}, []Kind{Phantom}},
		{"a value that nobody sent", func(t *testing.T, ops []history.Op) []history.Op {
			value := find(t, ops, history.Final, 0).Records[40].Value
			everywhere(ops, renamed(40, "rotten"))
			for i := range ops {
				if ops[i].Value == value {
					ops[i].Outcome = history.Unknown
				}
			}
			return ops
		}, []Kind{Invented}},
		{"a value of another partition", func(t *testing.T, ops []history.Op) []history.Op {
			ops = append(ops, history.Op{Kind: history.Produce, Client: "go-9", Partition: 1, Outcome: history.Unknown, Offset: history.NoOffset, Value: "misled"})
			end := find(t, ops, history.End, 0).Offset
			find(t, ops, history.Final, 0).Records = append(find(t, ops, history.Final, 0).Records, history.Record{Offset: end, Value: "misled"})
			return ops
		}, []Kind{Invented}},
		{"a producer's records change places", func(t *testing.T, ops []history.Op) []history.Op {
			first := acked(t, ops, 40)
			for offset := int64(41); ; offset++ {
				second := acked(t, ops, offset)
				if second.Client != first.Client {
					continue
				}
				everywhere(ops, renamed(40, second.Value))
				everywhere(ops, renamed(offset, first.Value))
				first.Offset, second.Offset = second.Offset, first.Offset
				everywhere(ops, func(r []history.Record) []history.Record { return r })
				return ops
			}
		}, []Kind{Reordered}},
		{"a producer waits for ever", func(_ *testing.T, ops []history.Op) []history.Op {
			return append(ops, history.Op{Kind: history.Produce, Client: "go-9", Outcome: history.Pending, Offset: history.NoOffset, Value: "late"})
		}, []Kind{Stuck}},
	}
}

// readerPlants are of those who read, and of their group.
func readerPlants() []plant {
	return []plant{
		{"a reader goes back", func(t *testing.T, ops []history.Op) []history.Op {
			read := find(t, ops, history.Read, 0)
			read.Records = append(read.Records, read.Records[2:]...)
			return ops
		}, []Kind{Backwards}},
		{"a reader is led past a record", func(t *testing.T, ops []history.Op) []history.Op {
			read := find(t, ops, history.Read, 0)
			read.Records = slices.Delete(read.Records, 2, 3)
			return ops
		}, []Kind{Skipped}},
		{"the group's offset goes back", func(t *testing.T, ops []history.Op) []history.Op {
			find(t, ops, history.Committed, 1).Offset -= 2
			return ops
		}, []Kind{CommitBackwards}},
		{"the group's offset is gone", func(t *testing.T, ops []history.Op) []history.Op {
			find(t, ops, history.Committed, 1).Offset = history.NoOffset
			return ops
		}, []Kind{CommitBackwards}},
		{"a member commits what another had left behind", func(t *testing.T, ops []history.Op) []history.Op {
			late := *find(t, ops, history.Commit, 1)
			late.Began, late.Ended, late.Offset = time.Hour, time.Hour+1, late.Offset-1
			return append(ops, late)
		}, []Kind{CommitBackwards}},
		{"the group goes on beyond what it has read", func(t *testing.T, ops []history.Op) []history.Op {
			ahead := *find(t, ops, history.Commit, 1)
			ahead.Began, ahead.Ended, ahead.Offset = time.Hour, time.Hour+1, ahead.Offset+1
			return append(ops, ahead)
		}, []Kind{CommitSkipped}},
	}
}

// find returns the nth operation of a kind, to be changed.
func find(t *testing.T, ops []history.Op, kind history.Kind, n int) *history.Op {
	t.Helper()
	for i := range ops {
		if ops[i].Kind == kind {
			if n == 0 {
				ops[i].Records = slices.Clone(ops[i].Records)
				return &ops[i]
			}
			n--
		}
	}
	t.Fatalf("no %s", kind)
	return nil
}

// acked returns the acknowledged record in the middle of partition 0's log.
func acked(t *testing.T, ops []history.Op, offset int64) *history.Op {
	t.Helper()
	for i := range ops {
		if ops[i].Kind == history.Produce && ops[i].Outcome == history.Acked && ops[i].Partition == 0 && ops[i].Offset == offset {
			return &ops[i]
		}
	}
	t.Fatal("nothing was acknowledged there")
	return nil
}

// everywhere changes what all readers saw of partition 0.
func everywhere(ops []history.Op, change func([]history.Record) []history.Record) {
	for i := range ops {
		if ops[i].Partition == 0 && len(ops[i].Records) > 0 {
			ops[i].Records = change(slices.Clone(ops[i].Records))
		}
	}
}

// renamed gives an offset another value.
func renamed(offset int64, value string) func([]history.Record) []history.Record {
	return func(records []history.Record) []history.Record {
		for i := range records {
			if records[i].Offset == offset {
				records[i].Value = value
			}
		}
		return records
	}
}
