package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/chronik/chronik/interop/faults/history"
)

// Kind is a promise that was broken.
type Kind string

const (
	// Lost was acknowledged and is not in the log, which goes on beyond it.
	Lost Kind = "lost"
	// Unseen was acknowledged, and the log ends before it.
	Unseen Kind = "unseen"
	// Unread is a part of the log that the last reader was promised and could not get.
	Unread Kind = "unread"
	// Duplicated is one value at two offsets: every producer is idempotent, and sends a
	// value once.
	Duplicated Kind = "duplicated"
	// Inconsistent is an offset with two values: in two reads, or in a read and an
	// acknowledgement.
	Inconsistent Kind = "inconsistent offset"
	// Moved was acknowledged at one offset and read at another.
	Moved Kind = "moved"
	// Phantom was read and is not in the log: it was read above the high watermark.
	Phantom Kind = "read above the high watermark"
	// Invented was read and never sent, or sent to another partition.
	Invented Kind = "invented"
	// Reordered is a producer's values in another order than they were sent in.
	Reordered Kind = "reordered"
	// Backwards is a reader whose offsets went back.
	Backwards Kind = "offsets going back"
	// Skipped is a reader that was led past offsets.
	Skipped Kind = "skipped"
	// CommitBackwards is a committed offset of the group that went back.
	CommitBackwards Kind = "committed offset going back"
	// CommitSkipped is a committed offset beyond what members of the group have got.
	CommitSkipped Kind = "committed past unread records"
	// Stuck was neither acknowledged nor given up long after the last fault.
	Stuck Kind = "stuck"
)

// Kinds lists every promise.
func Kinds() []Kind {
	return []Kind{Lost, Unseen, Unread, Duplicated, Inconsistent, Moved, Phantom, Invented, Reordered,
		Backwards, Skipped, CommitBackwards, CommitSkipped, Stuck}
}

// Anomaly is one broken promise.
type Anomaly struct {
	Kind      Kind
	Partition int32
	Offset    int64 // history.NoOffset where there is none
	What      string
}

// String is a line.
func (a Anomaly) String() string {
	at := fmt.Sprintf("partition %d", a.Partition)
	if a.Offset != history.NoOffset {
		at += fmt.Sprintf(", offset %d", a.Offset)
	}
	return fmt.Sprintf("%s: %s: %s", a.Kind, at, a.What)
}

// Verdict is what a history comes to.
type Verdict struct {
	// Sent, Acked and Unknown count records that producers sent, and what they know of them.
	Sent, Acked, Unknown int
	// Read counts records that consumers got while the faults struck, each as often as it
	// was got; Final those of the last reader.
	Read, Final int
	// Commits counts the acknowledged ones.
	Commits int
	// Troubles are the errors that consumers were told, by how often.
	Troubles map[string]int
	// Stall is the longest time in which nobody was acknowledged anything in some partition.
	Stall time.Duration

	// Anomalies are those found, of each kind at most anomaliesMax; Found counts all.
	Anomalies []Anomaly
	Found     map[Kind]int
}

// anomaliesMax is of one kind; who loses one record often loses thousands.
const anomaliesMax = 20

func (v *Verdict) add(kind Kind, partition int32, offset int64, format string, args ...any) {
	v.Found[kind]++
	if v.Found[kind] <= anomaliesMax {
		v.Anomalies = append(v.Anomalies, Anomaly{Kind: kind, Partition: partition, Offset: offset, What: fmt.Sprintf(format, args...)})
	}
}

// OK reports whether every promise was kept.
func (v *Verdict) OK() bool { return len(v.Found) == 0 }

// Check looks at a whole history. The order of operations is taken from it only
// within one client.
func Check(ops []history.Op) *Verdict {
	v := &Verdict{Found: map[Kind]int{}, Troubles: map[string]int{}}
	seen := newIndex(ops)
	v.count(ops)
	v.Stall = stall(seen)
	for _, check := range []func(*Verdict, *index){acknowledged, offsets, values, order, sessions, commits, coverage} {
		check(v, seen)
	}
	return v
}

func (v *Verdict) count(ops []history.Op) {
	for i := range ops {
		switch op := &ops[i]; op.Kind {
		case history.Produce:
			v.Sent++
			switch op.Outcome {
			case history.Acked:
				v.Acked++
			case history.Unknown, history.Pending:
				v.Unknown++
			}
		case history.Read:
			v.Read += len(op.Records)
		case history.Final:
			v.Final += len(op.Records)
		case history.Commit:
			if op.Outcome == history.Acked {
				v.Commits++
			}
		case history.Trouble:
			v.Troubles[op.Note]++
		case history.End, history.Committed:
		}
	}
}

// stall finds the longest time between two acknowledgements of one partition.
func stall(x *index) time.Duration {
	acks := map[int32][]time.Duration{}
	for _, op := range x.produced {
		if op.Outcome == history.Acked {
			acks[op.Partition] = append(acks[op.Partition], op.Ended)
		}
	}
	var longest time.Duration
	for _, times := range acks {
		slices.Sort(times)
		for i := range len(times) - 1 {
			longest = max(longest, times[i+1]-times[i])
		}
	}
	return longest
}
