package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

var moving = model.TopicPartition{Topic: "t"}

// runMoves runs the disks and the moves until the test ends.
func (n *node) runMoves() {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 8)
	start := func(run func()) { go func() { run(); done <- struct{}{} }() }
	start(func() { _ = n.set.normals.run(ctx) })
	running := 1
	for _, d := range n.set.directories {
		start(func() { _ = d.Disk.Run(ctx) })
		start(func() { n.set.moveLoop(ctx, d) })
		running += 2
	}
	n.stop = func() {
		cancel()
		for range running {
			<-done
		}
		running = 0
	}
	n.t.Cleanup(func() { n.stop() })
}

// moved waits until nothing moves any more.
func (n *node) moved() {
	n.t.Helper()
	for len(n.set.Moves()) > 0 {
		if n.t.Context().Err() != nil {
			n.t.Fatal("it moves for ever")
		}
	}
}

func other(path string) string { return map[string]string{"/a": "/b", "/b": "/a"}[path] }

func TestPartitionMovesWhileItIsUsed(t *testing.T) {
	fs := vfs.NewMem()
	n := newDisksNode(t, fs)
	n.topic("t", 1, 1)
	n.runMoves()
	p := n.partition()
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		for i := 0; ; i++ {
			pending, err := p.Append(batch(fmt.Sprint(i)), Append{Acks: AcksAll, Epoch: model.NoLeaderEpoch})
			if err == nil {
				err = pending.Wait(context.Background())
			}
			if err != nil {
				t.Errorf("append %d: %v", i, err)
			}
			if o := p.Offsets(); o.HighWatermark <= model.Offset(i) {
				t.Errorf("after the acknowledgement of %d: %+v", i, o)
			}
			read, err := p.Read(Read{From: model.Offset(i), MaxBytes: 1 << 20, MinOneBatch: true, Epoch: model.NoLeaderEpoch, LastEpoch: model.NoLeaderEpoch})
			if err != nil || len(read.Batches) == 0 {
				t.Errorf("read at %d: %v", i, err)
			}
			select {
			case <-stop:
				stopped <- i + 1
				return
			default:
			}
		}
	}()
	for range 20 {
		to := other(p.Directory())
		if err := n.set.AlterDirectory(moving, to); err != nil {
			t.Fatal(err)
		}
		n.moved()
		if p.Directory() != to {
			t.Fatalf("in %s, want %s", p.Directory(), to)
		}
	}
	close(stop)
	records := <-stopped
	if o := p.Offsets(); o.End != model.Offset(records) || o.HighWatermark != o.End {
		t.Errorf("%d records, and %+v", records, o)
	}
	if a, b := lying(t, fs, "a"), lying(t, fs, "b"); len(a)+len(b) != 1 {
		t.Errorf("a has %v, b has %v", a, b)
	}
}

// Who asks for the directory in which a partition is ends its move; a partition that is
// deleted while it moves is gone, its copy too.
func TestMoveEndsEarly(t *testing.T) {
	fs := vfs.NewMem()
	n := newDisksNode(t, fs)
	n.topic("t", 1, 1)
	n.set.pace.set(0)
	p := n.partition()
	home := p.Directory()
	n.append(p, AcksLeader, "x")
	n.runMoves()
	for _, end := range []func() error{
		func() error { return n.set.AlterDirectory(moving, home) },
		func() error { n.set.remove([]model.TopicPartition{moving}); return nil },
	} {
		if err := n.set.AlterDirectory(moving, other(home)); err != nil {
			t.Fatal(err)
		}
		if moves := n.set.Moves(); len(moves) != 1 || moves[0].Directory != other(home) || moves[0].OffsetLag != 1 {
			t.Errorf("moves: %+v", moves)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		n.moved()
		if p.Directory() != home {
			t.Errorf("in %s", p.Directory())
		}
	}
	n.stop()
	for _, d := range n.set.directories {
		if d.held != 0 {
			t.Errorf("%s holds %d", d.Name, d.held)
		}
	}
}

// The copy that is about to take over does so: where the partition is asked to be meanwhile
// counts from there.
func TestPartitionTurnsWhileItsCopyTakesOver(t *testing.T) {
	for _, turns := range []string{"", "home", "home away", "home away home", "away"} {
		fs := vfs.NewMem()
		n := newDisksNode(t, fs)
		n.topic("t", 1, 1)
		p := n.partition()
		n.append(p, AcksLeader, "x")
		at := map[string]string{"home": p.Directory(), "away": other(p.Directory())}
		n.runMoves()
		p.receiving.Lock() // holds the copy up
		asked := strings.Fields("away " + turns)
		for i, where := range asked {
			if err := n.set.AlterDirectory(moving, at[where]); err != nil {
				t.Fatal(err)
			}
			for taking := i > 0; !taking; {
				n.set.mu.Lock()
				taking = len(n.set.taking) > 0
				n.set.mu.Unlock()
			}
		}
		p.receiving.Unlock()
		n.moved()
		p.moving.Lock() // a move that has been cancelled too late is none of Moves
		last := at[asked[len(asked)-1]]
		if p.Directory() != last {
			t.Errorf("asked for %v, in %s, want %s", asked, p.Directory(), last)
		}
		p.moving.Unlock()
		n.stop()
		for path, names := range map[string][]string{"/a": lying(t, fs, "a"), "/b": lying(t, fs, "b")} {
			if path == last != slices.Contains(names, "t-0") || len(n.set.taking) > 0 {
				t.Errorf("asked for %v: %s has %v, taking is %v", asked, path, names, n.set.taking)
			}
		}
		for _, d := range n.set.directories {
			if want := map[bool]int{true: 1}[d.Name == last]; d.held != want {
				t.Errorf("asked for %v: %s holds %d, want %d", asked, d.Name, d.held, want)
			}
		}
	}
}

// A partition that comes is begun where that was asked for before.
func TestDirectoryOfAPartitionThatIsToCome(t *testing.T) {
	n := newDisksNode(t, vfs.NewMem())
	for _, name := range []string{"/b", "/b", "/a"} {
		if err := n.set.AlterDirectory(moving, name); !errors.Is(err, ErrNotHere) {
			t.Fatal(err)
		}
	}
	if err := n.set.AlterDirectory(moving, "/c"); !errors.Is(err, ErrNoSuchDirectory) {
		t.Fatal(err)
	}
	if err := n.set.AlterDirectory(moving, "/b/"); !errors.Is(err, ErrNotHere) {
		t.Fatal(err)
	}
	n.topic("t", 1, 1)
	if got := n.partition().Directory(); got != "/b" {
		t.Errorf("begun in %s", got)
	}
}

// What a move that was cut short has left is dealt with at the start, at each stage.
func TestStartAfterAMoveThatWasCutShort(t *testing.T) {
	for _, took := range []bool{false, true} {
		fs := vfs.NewMem()
		n := newDisksNode(t, fs)
		n.topic("t", 1, 1)
		home := n.partition().Directory()
		to := other(home)
		if err := n.set.Close(); err != nil {
			t.Fatal(err)
		}
		dir := to[1:] + "/t-0.d41d8cd98f00b204e9800998ecf8427e-future"
		if took {
			dir = to[1:] + "/t-0"
		}
		if err := errors.Join(vfs.MkdirAllSynced(fs, dir), storage.WriteTopicID(fs, dir, model.UUID{1})); err != nil {
			t.Fatal(err)
		}
		if took {
			if err := vfs.WriteFileAtomically(fs, dir+"/.moved", nil); err != nil {
				t.Fatal(err)
			}
		}
		again := newDisksNode(t, fs)
		if err := again.set.Load(); err != nil {
			t.Fatal(err)
		}
		again.topic("t", 1, 1)
		again.runMoves()
		again.moved()
		if got := again.partition().Directory(); got != to {
			t.Errorf("took over %t: in %s, want %s", took, got, to)
		}
		if got := lying(t, fs, home[1:]); len(got) > 0 {
			t.Errorf("took over %t: %v is left", took, got)
		}
	}
}

// A full disk ends the move, and neither the partition nor the node.
func TestDiskWithoutRoomForACopy(t *testing.T) {
	mem := vfs.NewMem()
	var full atomic.Pointer[string] // the directory of which the disk is full
	n := newDisksNode(t, vfs.NewFaulty(mem, func(op vfs.Op) error {
		if dir := full.Load(); dir != nil && strings.HasPrefix(op.Name, *dir) && op.Kind == vfs.OpWrite && strings.HasSuffix(op.Name, ".log") {
			return syscall.ENOSPC
		}
		return nil
	}))
	n.topic("t", 1, 1)
	p := n.partition()
	n.runMoves()
	pending := n.append(p, AcksAll, "x")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	home := p.Directory()
	dir := other(home)[1:]
	full.Store(&dir)
	if err := n.set.AlterDirectory(moving, other(home)); err != nil {
		t.Fatal(err)
	}
	n.moved()
	if p.Directory() != home {
		t.Errorf("in %s", p.Directory())
	}
	pending = n.append(p, AcksAll, "y")
	if err := n.wait(&pending); err != nil {
		t.Error(err)
	}
}
