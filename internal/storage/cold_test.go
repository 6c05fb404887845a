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
			if n, err := c.readAt(&segment{}, h, got, 0); err != nil || n != len(want) || !bytes.Equal(got, want) {
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
		if n, err := c.readAt(&segment{}, h, make([]byte, 10), int64(len(want))-4); n != 4 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
