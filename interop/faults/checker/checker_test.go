package checker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chronik/chronik/interop/faults/history"
)

// clean is a history without any anomaly: two producers and two partitions, a reader, a
// group of two members of which the second takes over, and the last reader. One send
// in ten is given up, and of those every other is in the log.
func clean() []history.Op {
	rng := rand.New(rand.NewPCG(1, 2))
	var ops []history.Op
	logs := map[int32][]history.Record{}
	now := time.Duration(0)
	tick := func() time.Duration { now += time.Millisecond; return now }
	for n := range int64(200) {
		client, partition := fmt.Sprintf("go-%d", rng.IntN(2)), rng.Int32N(2)
		op := history.Op{Began: tick(), Ended: tick(), Client: client, Kind: history.Produce, Partition: partition,
			Offset: int64(len(logs[partition])), Value: fmt.Sprintf("%s.%d.%d", client, partition, n), Sequence: n, Outcome: history.Acked}
		written := true
		if n%10 == 9 {
			op.Outcome, op.Offset, written = history.Unknown, history.NoOffset, n%20 == 9
		}
		if written {
			logs[partition] = append(logs[partition], history.Record{Offset: int64(len(logs[partition])), Value: op.Value})
		}
		ops = append(ops, op)
	}
	for p := range int32(2) {
		for chunk := range slices.Chunk(logs[p], 7) {
			ops = append(ops, history.Op{Began: tick(), Ended: tick(), Client: "reader", Kind: history.Read, Partition: p, Records: chunk})
		}
		half := len(logs[p]) / 2
		for i, part := range [][]history.Record{logs[p][:half], logs[p][half-3:]} {
			member := fmt.Sprintf("member-%d", i)
			ops = append(ops,
				history.Op{Began: tick(), Ended: tick(), Client: member, Kind: history.Read, Partition: p, Records: part},
				history.Op{Began: tick(), Ended: tick(), Client: member, Kind: history.Commit, Partition: p, Outcome: history.Acked, Offset: part[len(part)-1].Offset + 1},
				history.Op{Began: tick(), Ended: tick(), Client: "admin", Kind: history.Committed, Partition: p, Offset: part[len(part)-1].Offset + 1})
		}
		ops = append(ops,
			history.Op{Began: tick(), Ended: tick(), Client: "last", Kind: history.End, Partition: p, Offset: int64(len(logs[p]))},
			history.Op{Began: tick(), Ended: tick(), Client: "last", Kind: history.Final, Partition: p, Records: slices.Clone(logs[p])})
	}
	return ops
}

func TestACleanHistoryHasNoAnomaly(t *testing.T) {
	v := Check(clean())
	for _, a := range v.Anomalies {
		t.Error(a)
	}
	if v.Sent != 200 || v.Acked != 180 || v.Unknown != 20 || v.Read == 0 || v.Final != 190 || v.Commits != 4 || !v.OK() {
		t.Errorf("%+v", v)
	}
}

// TestEachAnomalyIsFound plants one anomaly at a time.
func TestEachAnomalyIsFound(t *testing.T) {
	missed := Kinds()
	for _, c := range append(recordPlants(), readerPlants()...) {
		t.Run(c.name, func(t *testing.T) {
			v := Check(c.plant(t, clean()))
			var got []Kind
			for _, kind := range Kinds() {
				if v.Found[kind] > 0 {
					got = append(got, kind)
				}
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(got, want) || v.OK() {
				t.Errorf("found %q, want %q: %v", got, want, v.Anomalies)
			}
		})
		missed = slices.DeleteFunc(missed, func(k Kind) bool { return slices.Contains(c.want, k) })
	}
	if len(missed) > 0 {
		t.Errorf("never planted: %q", missed)
	}
}

// TestACommitOfUnknownOutcomeBindsNobody: it may not have come to pass.
func TestACommitOfUnknownOutcomeBindsNobody(t *testing.T) {
	ops := clean()
	ops = append(ops,
		history.Op{Began: time.Hour, Ended: time.Hour + 1, Client: "member-1", Kind: history.Commit, Offset: 10_000, Outcome: history.Unknown},
		history.Op{Began: time.Hour + 2, Ended: time.Hour + 3, Client: "admin", Kind: history.Committed, Offset: find(t, ops, history.Committed, 1).Offset})
	if v := Check(ops); !v.OK() {
		t.Error(v.Anomalies)
	}
}

// TestAConsumerMayBeginAnew: a new session may start anywhere.
func TestAConsumerMayBeginAnew(t *testing.T) {
	ops := clean()
	again := *find(t, ops, history.Read, 0)
	again.Session = 1
	if v := Check(append(ops, again)); !v.OK() {
		t.Error(v.Anomalies)
	}
}

// TestManyAnomaliesAreCountedAndNotAllTold: who loses one often loses thousands.
func TestManyAnomaliesAreCountedAndNotAllTold(t *testing.T) {
	ops := clean()
	for n := range int64(1000) {
		ops = append(ops, history.Op{Kind: history.Produce, Client: "go-9", Outcome: history.Acked, Offset: 10_000 + n, Value: fmt.Sprint(n), Sequence: n})
	}
	v := Check(ops)
	if v.Found[Unseen] != 1000 || len(v.Anomalies) != anomaliesMax {
		t.Errorf("%d found, %d told", v.Found[Unseen], len(v.Anomalies))
	}
}

// TestStallIsTheLongestWait of one partition, whatever happens in the others.
func TestStallIsTheLongestWait(t *testing.T) {
	var ops []history.Op
	for n, at := range []int{1, 30, 2, 5, 12, 13} {
		ops = append(ops, history.Op{Kind: history.Produce, Value: fmt.Sprint(n), Sequence: int64(n), Outcome: history.Acked, Ended: time.Duration(at) * time.Second, Offset: int64(n)})
		ops = append(ops, history.Op{Kind: history.Produce, Partition: 1, Value: fmt.Sprint(n, "b"), Sequence: int64(n), Outcome: history.Acked, Ended: time.Duration(at) * time.Millisecond, Offset: int64(n)})
	}
	if got := Check(ops).Stall; got != 17*time.Second {
		t.Errorf("%s", got)
	}
}
