package storage

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// The start of a log stays in the checkpoint until the first segment's name is
// durable, also while the sync that is to make it durable is under way.
func TestAStartIsKeptUntilTheSegmentsNameIsDurable(t *testing.T) {
	make500 := func(m *vfs.Mem) { // as a log that was started over, and lost its names in a crash
		if err := m.MkdirAll(testDir); err != nil {
			t.Fatal(err)
		}
		if err := vfs.WriteFileAtomically(m, filepath.Join(testDir, LogStartCheckpoint), formatOffsetCheckpoint(map[model.TopicPartition]model.Offset{testPartition: 500})); err != nil {
			t.Fatal(err)
		}
	}
	const end = 600 // where starting over begins anew
	operations := map[string]func(b *bench){
		"commit":     func(b *bench) { b.append(1); b.sync() },
		"checkpoint": func(b *bench) { b.append(1); b.must(b.log.checkpoint()) },
		"start over": func(b *bench) { b.must(b.log.TruncateFullyAndStartAt(end)) },
	}
	for name, do := range operations {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			make500(m)
			var b *bench
			looked := 0
			fs := vfs.NewFaulty(m, func(op vfs.Op) error {
				if b == nil || op.Kind != vfs.OpSyncDir || !strings.HasSuffix(op.Name, testPartition.String()) {
					return nil
				}
				looked++
				b.must(b.disk.writeStarts()) // as another log's AdvanceStart does at this moment
				for seed := range uint64(50) {
					clone := m.CrashClone(rand.New(rand.NewPCG(seed, 0)), vfs.CrashOptions{NameLoss: 0.5, DataLoss: 1})
					after, err := tryBench(t, clone, smallSegments(), false)
					b.must(err)
					if got := after.log.StartOffset(); got != 500 && got != end {
						t.Fatalf("a crash before the name was durable: the log starts at %d, want 500 or %d", got, end)
					}
				}
				return nil
			})
			opened := newBench(t, fs, smallSegments())
			b = opened
			do(b)
			if looked == 0 {
				t.Fatal("the directory was not synced")
			}
			b.must(b.disk.writeStarts())
			after, err := tryBench(t, m.Crash(), smallSegments(), false)
			b.must(err)
			if got, want := after.log.StartOffset(), b.log.StartOffset(); got != want {
				t.Errorf("afterwards the log starts at %d, want %d", got, want)
			}
		})
	}
}
