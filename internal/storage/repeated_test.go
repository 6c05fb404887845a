package storage

import (
	"errors"
	"math"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// A batch that was sent again after it had left the window was called out of order,
// which the Java client takes for the end of the world after two minutes of trying.
func TestABatchFromBeforeTheWindowIsKnownWithoutItsOffset(t *testing.T) {
	const batches, records = 10, 3
	for name, first := range map[string]model.Sequence{"from zero": 0, "from its midst": 500, "around zero": math.MaxInt32 - 10} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, vfs.NewMem(), smallSegments())
			at := func(i int) model.Sequence {
				return model.Sequence((int64(first) + int64(i)*records) & math.MaxInt32)
			}
			send := func(sequence model.Sequence) (Appended, error) {
				return b.log.Append(produced(1, 0, sequence, records), Append{Now: testNow})
			}
			for i := range batches {
				if _, err := send(at(i)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range batches {
				a, err := send(at(i))
				base, end := model.Offset(i*records), model.Offset((i+1)*records)
				if i < batches-windowBatches {
					base, end = model.NoOffset, (batches-windowBatches)*records
				}
				if err != nil || !a.Duplicate || a.BaseOffset != base || a.EndOffset != end {
					t.Errorf("batch %d again: %+v, %v; want offsets from %d below %d", i, a, err, base, end)
				}
			}
			for _, never := range []int{-1, batches + 1} { // before what is known, and one left out
				if a, err := send(at(never)); !errors.Is(err, ErrOutOfOrderSequence) {
					t.Errorf("batch %d: %+v, %v", never, a, err)
				}
			}
		})
	}
}
