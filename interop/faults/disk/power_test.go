//go:build linux

package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// seeds is how many ways of losing power each test tries: of every kind of loss there are
// some among them.
const seeds = 64

func newDisk(t testing.TB) *Disk {
	t.Helper()
	d, err := New(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noError(t, d.Close()) })
	return d
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// make makes a file or a directory, which nobody has open.
func (d *Disk) make(t testing.TB, parent uint64, name string, kind uint32) uint64 {
	t.Helper()
	a, err := d.Make(parent, name, Made{Mode: kind | 0o755})
	noError(t, err)
	d.Forget(a.ID, 1)
	return a.ID
}

func (d *Disk) put(t testing.TB, id uint64, text string, offset int64) {
	t.Helper()
	n, err := d.Write(id, []byte(text), offset)
	if err != nil || n != len(text) {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

// cat returns what a file holds, or false where there is none.
func (d *Disk) cat(t testing.TB, parent uint64, name string) (string, bool) {
	t.Helper()
	a, err := d.Lookup(parent, name)
	if err == syscall.ENOENT {
		return "", false
	}
	noError(t, err)
	d.Forget(a.ID, 1)
	data := make([]byte, a.Size)
	n, err := d.Read(a.ID, data, 0)
	noError(t, err)
	return string(data[:n]), true
}

func (d *Disk) losePower(t testing.TB, seed uint64) Loss {
	t.Helper()
	loss, err := d.LosePower(seed)
	noError(t, err)
	return loss
}

// TestWhatWasSyncedStays syncs a file and every directory above it, and then goes on
// without syncing elsewhere.
func TestWhatWasSyncedStays(t *testing.T) {
	for seed := range uint64(seeds) {
		d := newDisk(t)
		dir := d.make(t, RootID, "dir", syscall.S_IFDIR)
		file := d.make(t, dir, "file", syscall.S_IFREG)
		d.put(t, file, "kept", 0)
		noError(t, d.Sync(file))
		noError(t, d.SyncDir(dir))
		noError(t, d.SyncDir(RootID))
		d.put(t, d.make(t, dir, "other", syscall.S_IFREG), "whatever", 0)
		d.losePower(t, seed)
		if got, there := d.cat(t, dir, "file"); got != "kept" || !there {
			t.Fatalf("seed %d: %q, %v", seed, got, there)
		}
		if loss := d.losePower(t, seed); loss != (Loss{}) {
			t.Fatalf("seed %d: a second loss took %+v", seed, loss)
		}
	}
}

// outcomes tells what is left after each of many losses of power.
func outcomes(t *testing.T, prepare func(*Disk) (dir uint64, name string)) map[string]int {
	t.Helper()
	found := map[string]int{}
	for seed := range uint64(seeds) {
		d := newDisk(t)
		dir, name := prepare(d)
		d.losePower(t, seed)
		got, there := d.cat(t, dir, name)
		if !there {
			got = "(none)"
		}
		found[got]++
	}
	return found
}

// expect holds what happened to what may happen, all of which has to.
func expect(t *testing.T, found map[string]int, want ...string) {
	t.Helper()
	for text, n := range found {
		if !slices.Contains(want, text) {
			t.Errorf("%d times %q", n, text)
		}
	}
	for _, text := range want {
		if found[text] == 0 {
			t.Errorf("never %q", text)
		}
	}
}

func TestASyncOfAFileIsNoneOfItsName(t *testing.T) {
	expect(t, outcomes(t, func(d *Disk) (uint64, string) {
		file := d.make(t, RootID, "file", syscall.S_IFREG)
		d.put(t, file, "text", 0)
		noError(t, d.Sync(file))
		return RootID, "file"
	}), "(none)", "text")
}

func TestASyncOfADirectoryIsNoneOfItsFiles(t *testing.T) {
	expect(t, outcomes(t, func(d *Disk) (uint64, string) {
		file := d.make(t, RootID, "file", syscall.S_IFREG)
		d.put(t, file, "a", 0)
		d.put(t, file, "b", 1)
		noError(t, d.SyncDir(RootID))
		return RootID, "file"
	}), "", "a", "ab", "\x00", "\x00\x00") // zeros: a length without its page
}

func TestADirectoryWithoutANameIsGoneWithAllBelow(t *testing.T) {
	d := newDisk(t)
	for seed := range uint64(seeds) {
		dir := d.make(t, RootID, fmt.Sprint("dir", seed), syscall.S_IFDIR)
		file := d.make(t, dir, "file", syscall.S_IFREG)
		noError(t, d.Sync(file))
		noError(t, d.SyncDir(dir))
		if d.losePower(t, seed).Names == 1 {
			if _, err := d.Stat(file); err != syscall.ESTALE {
				t.Errorf("the file is still there: %v", err)
			}
			return
		}
	}
	t.Error("no loss of power took the directory")
}

// TestARenameOverAFileLeavesOneOfTheTwo is what makes writing a file anew safe.
func TestARenameOverAFileLeavesOneOfTheTwo(t *testing.T) {
	expect(t, outcomes(t, func(d *Disk) (uint64, string) {
		old := d.make(t, RootID, "file", syscall.S_IFREG)
		d.put(t, old, "old", 0)
		noError(t, d.Sync(old))
		noError(t, d.SyncDir(RootID))
		young := d.make(t, RootID, "file.new", syscall.S_IFREG)
		d.put(t, young, "new", 0)
		noError(t, d.Sync(young))
		noError(t, d.Rename(Place{RootID, "file.new"}, Place{RootID, "file"}, false))
		return RootID, "file"
	}), "old", "new")
}

// TestARemovedFileComesBack: with its content, as nobody has synced its removal.
func TestARemovedFileComesBack(t *testing.T) {
	expect(t, outcomes(t, func(d *Disk) (uint64, string) {
		file := d.make(t, RootID, "file", syscall.S_IFREG)
		d.put(t, file, "text", 0)
		noError(t, d.Sync(file))
		noError(t, d.SyncDir(RootID))
		noError(t, d.Remove(RootID, "file", false))
		return RootID, "file"
	}), "text", "(none)")
}

// TestARenameIsInBothDirectoriesOrInNone syncs one of the two, which binds the other.
func TestARenameIsInBothDirectoriesOrInNone(t *testing.T) {
	for seed := range uint64(seeds) {
		d := newDisk(t)
		a, b := d.make(t, RootID, "a", syscall.S_IFDIR), d.make(t, RootID, "b", syscall.S_IFDIR)
		d.make(t, a, "file", syscall.S_IFREG)
		noError(t, d.SyncDir(a))
		noError(t, d.SyncDir(RootID))
		noError(t, d.Rename(Place{a, "file"}, Place{b, "file"}, true))
		synced := seed%2 == 0
		if synced {
			noError(t, d.SyncDir([]uint64{a, b}[seed/2%2]))
		}
		d.losePower(t, seed)
		_, inA := d.cat(t, a, "file")
		_, inB := d.cat(t, b, "file")
		if inA == inB || synced && inA {
			t.Errorf("seed %d, synced %v: in a %v, in b %v", seed, synced, inA, inB)
		}
	}
}

// TestAnOverwriteIsTakenBack: what was there before is there again, or what came, by
// pages and by sectors.
func TestAnOverwriteIsTakenBack(t *testing.T) {
	const pages = 4
	old, young := bytes.Repeat([]byte("o"), pages*pageBytes), bytes.Repeat([]byte("y"), pages*pageBytes)
	found := map[string]bool{}
	for seed := range uint64(seeds) {
		d := newDisk(t)
		file := d.make(t, RootID, "file", syscall.S_IFREG)
		d.put(t, file, string(old), 0)
		noError(t, d.Sync(file))
		noError(t, d.SyncDir(RootID))
		for p := range int64(pages) {
			d.put(t, file, string(young[:pageBytes]), p*pageBytes)
		}
		d.losePower(t, seed)
		got, _ := d.cat(t, RootID, "file")
		if len(got) != len(old) {
			t.Fatalf("seed %d: %d bytes", seed, len(got))
		}
		for at := 0; at < len(got); at += sectorBytes {
			sector := got[at : at+sectorBytes]
			if sector != string(old[:sectorBytes]) && sector != string(young[:sectorBytes]) {
				t.Fatalf("seed %d: sector at %d is torn", seed, at)
			}
		}
		switch {
		case got == string(old):
			found["lost"] = true
		case got == string(young):
			found["kept"] = true
		case slices.IsSortedFunc([]byte(got), func(a, b byte) int { return int(b) - int(a) }):
			found["the end lost"] = true
		default:
			found["pages lost"] = true
		}
	}
	if len(found) != 4 {
		t.Errorf("only %v", found)
	}
}

// TestATruncationIsTakenBack brings back what was cut off, and not half of it.
func TestATruncationIsTakenBack(t *testing.T) {
	expect(t, outcomes(t, func(d *Disk) (uint64, string) {
		file := d.make(t, RootID, "file", syscall.S_IFREG)
		d.put(t, file, "abcdef", 0)
		noError(t, d.Sync(file))
		noError(t, d.SyncDir(RootID))
		size := int64(2)
		_, err := d.SetAttributes(file, Change{Size: &size})
		noError(t, err)
		d.put(t, file, "xy", 2)
		return RootID, "file"
	}), "abcdef", "ab", "abxy")
}

// TestUndoingEverythingGivesWhatWasSynced does random edits, and takes all of them back.
func TestUndoingEverythingGivesWhatWasSynced(t *testing.T) {
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := newDisk(t)
		id := d.make(t, RootID, "file", syscall.S_IFREG)
		edits := func() {
			for range rng.IntN(20) {
				if rng.IntN(4) == 0 {
					size := rng.Int64N(20_000)
					_, err := d.SetAttributes(id, Change{Size: &size})
					noError(t, err)
					continue
				}
				data := bytes.Repeat([]byte{byte(rng.IntN(3))}, rng.IntN(6000)+1)
				d.put(t, id, string(data), rng.Int64N(20_000))
			}
		}
		edits()
		noError(t, d.Sync(id))
		want, _ := d.cat(t, RootID, "file")
		edits()
		c, err := d.file(id)
		noError(t, err)
		for len(c.journal) > 0 {
			noError(t, c.undo())
		}
		if got, _ := d.cat(t, RootID, "file"); got != want {
			t.Errorf("seed %d: %d bytes that are not the %d that were synced", seed, len(got), len(want))
		}
	}
}
