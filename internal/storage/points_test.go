package storage

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// What the checkpoint files say of a deleted partition is not said of the next
// one of its name.
func TestADeletedPartitionsCheckpointsAreNotThoseOfTheNextOfItsName(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		m := vfs.NewMem()
		b := newBench(t, m, smallSegments())
		for range 10 {
			b.append(1)
		}
		b.sync()
		b.must(b.log.AdvanceStart(5))
		b.must(b.disk.Checkpoint())
		dir, c := b.log.dir, *b.log.config()
		b.must(b.disk.Delete(b.log))
		disk := b.disk
		if restarted {
			m = m.Crash()
			disk = NewDisk(DiskOptions{FS: m, Dir: testDir, Logger: quiet()})
		}
		b.must(disk.Forget(testPartition))
		l, _, err := Open(Options{FS: m, Disk: disk, Dir: dir, TopicPartition: testPartition, Config: c, Logger: quiet()})
		b.must(err)
		next := &bench{t: t, fs: m, disk: disk, log: l}
		if a := next.append(3); a.BaseOffset != 0 {
			t.Errorf("restarted %t: the first record has offset %d", restarted, a.BaseOffset)
		}
		next.sync()
		after, err := tryBench(t, m.Crash(), c, false)
		b.must(err)
		same(t, after.all(), []string{"0=v-0", "1=v-1", "2=v-2"})
	}
}

// A log whose start was moved to an end that a crash has taken starts over when
// it is opened; another crash in the middle of that is no damage.
func TestACrashWhileOpeningStartsOverIsNoDamage(t *testing.T) {
	m := vfs.NewMem()
	b := newBench(t, m, smallSegments())
	for range 40 {
		b.append(1)
		b.sync()
	}
	b.must(b.disk.Checkpoint())
	b.append(3)
	start := b.log.EndOffset()
	b.must(b.log.AdvanceStart(start))
	m = m.Crash()
	rng := rand.New(rand.NewPCG(1, 1))
	looked := 0
	fs := vfs.NewFaulty(m, func(op vfs.Op) error {
		for range 5 {
			clone := m.CrashClone(rng, vfs.CrashOptions{NameLoss: 0.5, DataLoss: 0.5})
			after, err := tryBench(t, clone, smallSegments(), false)
			if err != nil {
				t.Fatalf("after a crash before %s %s: %v", op.Kind, op.Name, err)
			}
			looked++
			if got := after.log.StartOffset(); got != start || after.log.EndOffset() != start {
				t.Fatalf("after a crash before %s %s the log is [%d, %d), want it empty at %d",
					op.Kind, op.Name, got, after.log.EndOffset(), start)
			}
		}
		return nil
	})
	opened := newBench(t, fs, smallSegments())
	if got := opened.log.StartOffset(); got != start || looked == 0 {
		t.Errorf("the log starts at %d, want %d; %d crashes", got, start, looked)
	}
}

// A node that comes back cuts many logs, one after the other: those that are quickly
// checked have the file of recovery points written once, and each is cut durably.
func TestCutsOfManySmallLogsWriteTheRecoveryPointsOnce(t *testing.T) {
	const count = 20
	m, writes := vfs.NewMem(), 0
	files := vfs.NewFaulty(m, func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate && strings.Contains(op.Name, RecoveryPointCheckpoint) {
			writes++
		}
		return nil
	})
	open := func(on vfs.FS, disk *Disk) []*bench {
		var all []*bench
		for i := range count {
			b := &bench{t: t, fs: on, disk: disk}
			tp := model.TopicPartition{Topic: "many", Partition: model.Partition(i)}
			dir := filepath.Join(testDir, tp.String())
			b.must(vfs.MkdirAllSynced(on, dir))
			var err error
			b.log, b.found, err = Open(Options{FS: on, Disk: disk, Dir: dir, TopicPartition: tp, Config: smallSegments(), Logger: quiet()})
			b.must(err)
			all = append(all, b)
		}
		return all
	}
	logs := open(files, NewDisk(DiskOptions{FS: files, Dir: testDir, Logger: quiet()}))
	for _, b := range logs {
		b.append(1)
		b.append(1)
	}
	logs[0].sync()
	logs[0].must(logs[0].disk.Checkpoint())
	writes = 0
	for i, b := range logs {
		b.must(b.log.TruncateTo(1))
		crashed := m.Crash()
		for _, after := range open(crashed, NewDisk(DiskOptions{FS: crashed, Dir: testDir, Logger: quiet()}))[:i+1] {
			if end := after.log.EndOffset(); end != 1 {
				t.Fatalf("a log that was cut to 1 ends at %d after a power loss", end)
			}
		}
	}
	if writes != 1 {
		t.Errorf("the recovery points were written %d times", writes)
	}
}
