package quorum

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

var errPower = errors.New("the power is gone")

// testDisk is the store of production on a file system in memory.
type testDisk struct {
	t   *testing.T
	rng *rand.Rand
	mem *vfs.Mem
	end func()

	mu     sync.Mutex
	crashN int // 0: not
	gone   bool
}

// NewTestDisk is for the tests of package storetest's kind.
func NewTestDisk(t *testing.T, seed uint64) *testDisk {
	d := &testDisk{t: t, rng: rand.New(rand.NewPCG(seed, 4)), mem: vfs.NewMem(), end: func() {}}
	if err := errors.Join(d.mem.MkdirAll(dataDir), d.mem.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.end() })
	return d
}

func (d *testDisk) before(op vfs.Op) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	// What was renamed away is removed beside what the test does, at any time.
	if op.Kind.Changes() && op.Kind != vfs.OpRemoveAll && d.crashN > 0 {
		d.crashN--
		d.gone = d.gone || d.crashN == 0
	}
	if d.gone {
		return errPower
	}
	return nil
}

func (d *testDisk) Open() (Store, error) { return d.open(1, 2) }

func (d *testDisk) open(voters ...model.NodeID) (*store, error) {
	fs := vfs.NewFaulty(d.mem, d.before)
	logger := slog.New(slog.DiscardHandler)
	// The power is to fail in what the test does, and not in a checkpoint beside it.
	disk := storage.NewDisk(storage.DiskOptions{FS: fs, Dir: dataDir, Logger: logger, CheckpointInterval: time.Hour})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- disk.Run(ctx) }()
	s, _, err := openStore(storeOptions{fs: fs, disk: disk, dir: dataDir, voters: voters, logger: logger})
	d.end = sync.OnceFunc(func() {
		if err == nil {
			_ = s.log.log.Close() // it fails where the power is gone
		}
		stop()
		<-done
	})
	return s, err
}

func (d *testDisk) CrashAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashN = n
}

func (d *testDisk) Crash() {
	mem := d.mem.CrashClone(d.rng, vfs.CrashOptions{NameLoss: 0.5, DataLoss: 0.5})
	d.CrashAfter(1) // what closing writes is not there
	d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mem, d.crashN, d.gone = mem, 0, false
}

// memoryDisk is a memoryStore's.
type memoryDisk struct {
	*memoryStore
	rng   *rand.Rand
	armed bool
}

// NewMemoryDisk is for the tests of package storetest's kind.
func NewMemoryDisk(seed uint64) *memoryDisk {
	return &memoryDisk{memoryStore: newMemoryStore(1, 2), rng: rand.New(rand.NewPCG(seed, 5))}
}

func (d *memoryDisk) Open() (Store, error) { return d, nil }
func (d *memoryDisk) CrashAfter(n int)     { d.armed = n > 0 }
func (d *memoryDisk) Crash()               { d.armed = false }

// crash tears a step where a crash is to come.
func (d *memoryDisk) crash(step Step) error {
	if !d.armed {
		return step.Perform(context.Background(), d.memoryStore, nil)
	}
	d.tear(&step, d.rng)
	return errPower
}

func (d *memoryDisk) SaveState(hs *HardState) error { return d.crash(Step{Kind: SaveState, State: hs}) }
func (d *memoryDisk) Install(s *Snapshot) error {
	return d.crash(Step{Kind: InstallSnapshot, Snapshot: s})
}
func (d *memoryDisk) Append(_ context.Context, entries []*Entry) error {
	return d.crash(Step{Kind: AppendEntries, Entries: entries})
}
