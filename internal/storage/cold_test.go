package storage

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/vfs"
)

// Readers of what is not in memory read by pieces while somebody waits for the disk, and
// all at once while nobody does.
func TestColdReadsYieldToCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = time.Millisecond
		var sizes []int64
		fs := vfs.NewFaulty(vfs.NewMem(), func(op vfs.Op) error {
			if op.Kind == vfs.OpRead {
				sizes = append(sizes, op.Size)
				<-time.After(took)
			}
			return nil
		})
		f, err := fs.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte("0123456789abcdef"), 3*coldPieceBytes/16+1)
		if _, err := f.WriteAt(want, 0); err != nil {
			t.Fatal(err)
		}
		h := newHandle(f)
		defer h.release()
		var c coldReads
		read := func() (reads []int64, passed time.Duration) {
			sizes = nil
			began, got := time.Now(), make([]byte, len(want))
			if n, cold, err := c.readAt(&segment{}, h, got, 0, true); err != nil || !cold || n != len(want) || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			return sizes, time.Since(began)
		}
		if reads, passed := read(); !slices.Equal(reads, []int64{int64(len(want))}) || passed != took {
			t.Errorf("with nobody waiting it read %v in %v", reads, passed)
		}
		inPieces := func(when string) {
			t.Helper()
			if reads, passed := read(); !slices.Equal(reads, []int64{coldPieceBytes, coldPieceBytes, coldPieceBytes, 16}) || passed < 3*(coldPause+1)*took {
				t.Errorf("%s it read %v in %v", when, reads, passed)
			}
		}
		c.beginCommit()
		inPieces("with a commit")
		<-time.After(time.Minute)
		inPieces("with a commit that takes long")
		c.endCommit()
		inPieces("soon after a commit")
		<-time.After(time.Minute)
		if reads, _ := read(); len(reads) != 1 {
			t.Errorf("long after a commit it read %v", reads)
		}
		// What is not there is an error as ever.
		if n, _, err := c.readAt(&segment{}, h, make([]byte, 10), int64(len(want))-4, true); n != 4 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// Who sends what was cold waits for a moment after each piece while somebody waits for the
// disk, and not otherwise.
func TestWhoSendsWhatWasColdGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c coldReads
		waits := func() bool {
			began := time.Now()
			c.giveWay()
			return time.Since(began) > 0
		}
		if waits() {
			t.Error("with nobody waiting")
		}
		c.beginCommit()
		if !waits() {
			t.Error("not with a commit")
		}
		c.endCommit()
		if !waits() {
			t.Error("not soon after a commit")
		}
		<-time.After(time.Minute)
		if waits() {
			t.Error("long after a commit")
		}
	})
}

func TestReadTellsWhatWasCold(t *testing.T) {
	f := func(fs vfs.FS, want bool) {
		t.Helper()
		b := newBench(t, fs, Config{})
		b.append(1)
		r, err := b.log.Read(Read{From: 0, To: 1, MaxBytes: 1 << 20})
		if err != nil || len(r.Batches) == 0 || r.Cold != want {
			t.Errorf("%d bytes, cold %t, %v; want cold %t", len(r.Batches), r.Cold, err, want)
		}
	}
	f(vfs.NewMem(), false)
	f(vfs.NewFaulty(vfs.NewMem(), func(vfs.Op) error { return nil }), true) // in which nothing is in memory
}

// forgetting is a file that no memory has, and that takes down what it is to forget.
type forgetting struct {
	vfs.File
	to    int64 // everything below has been forgotten
	holes int
}

func (f *forgetting) ReadCached([]byte, int64) int { return 0 }

func (f *forgetting) Forget(off, length int64) {
	if off != f.to {
		f.holes++
	}
	f.to = off + length
}

// A reader that passes leaves nothing in memory but what is close behind it, whatever it
// reads at a time, and only while there are commits; others leave everything.
func TestAReaderIsForgottenBehind(t *testing.T) {
	read := func(commits, passes bool, check func(f *forgetting, at int64)) *forgetting {
		t.Helper()
		mem, err := vfs.NewMem().Create("f")
		if err != nil {
			t.Fatal(err)
		}
		const size = coldKeptBytes + 4*coldPieceBytes
		if err := mem.Truncate(size); err != nil {
			t.Fatal(err)
		}
		f := &forgetting{File: mem}
		h := newHandle(f)
		defer h.release()
		var c coldReads
		if commits {
			c.beginCommit()
		}
		for at, i := int64(0), 0; at < size; i++ {
			p := make([]byte, min(size-at, int64(3*coldPieceBytes-1000*(i%7))))
			n, _, err := c.readAt(&segment{}, h, p, at, passes)
			if err != nil {
				t.Fatal(err)
			}
			at += int64(n)
			check(f, at)
		}
		return f
	}
	f := read(true, true, func(f *forgetting, at int64) {
		if kept := at - f.to; f.holes > 0 || kept < min(at, coldKeptBytes) || kept >= coldKeptBytes+coldForgetUnit && f.to > 0 {
			t.Fatalf("at %d all below %d has been forgotten, with %d holes", at, f.to, f.holes)
		}
	})
	if f.to == 0 {
		t.Error("nothing was forgotten")
	}
	nothing := func(f *forgetting, at int64) {
		if f.to > 0 {
			t.Fatalf("at %d all below %d has been forgotten", at, f.to)
		}
	}
	read(true, false, nothing)
	read(false, true, nothing)
}
