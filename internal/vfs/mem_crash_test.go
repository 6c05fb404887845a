package vfs

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// tree is what a file system has: the content of each file by its path.
func tree(t testing.TB, m *Mem) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(string)
	walk = func(dir string) {
		infos, err := m.ReadDir(dir)
		must(t, err)
		for _, i := range infos {
			name := filepath.Join(dir, i.Name)
			if i.IsDir {
				walk(name)
				continue
			}
			out[name] = contentOf(t, m, name)
		}
	}
	walk("")
	return out
}

func sameTree(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestCrashLosesWhatWasNotSynced(t *testing.T) {
	m := NewMem()
	f, err := m.Create("f")
	mustOpen(t, f, err)
	writeAt(t, f, "synced", 0)
	must(t, f.SyncData())
	sameTree(t, "the name was not synced", tree(t, m.Crash()), map[string]string{})
	must(t, m.SyncDir(""))
	writeAt(t, f, "SYNCED and more", 0)
	sameTree(t, "the second write was not synced", tree(t, m.Crash()), map[string]string{"f": "synced"})
	sameTree(t, "killed, not crashed", tree(t, m.Clone()), map[string]string{"f": "SYNCED and more"})
	must(t, f.SyncData())
	sameTree(t, "all was synced", tree(t, m.Crash()), map[string]string{"f": "SYNCED and more"})
}

func TestSyncDataDoesNotKeepAShorterLength(t *testing.T) {
	m := NewMem()
	f, err := m.Create("f")
	mustOpen(t, f, err)
	writeAt(t, f, "0123456789", 0)
	must(t, f.Sync())
	must(t, m.SyncDir(""))
	must(t, f.Truncate(4))
	must(t, f.SyncData())
	sameTree(t, "after SyncData", tree(t, m.Crash()), map[string]string{"f": "0123456789"})
	writeAt(t, f, "ab", 4)
	must(t, f.SyncData())
	sameTree(t, "after a write and SyncData", tree(t, m.Crash()), map[string]string{"f": "0123ab6789"})
	must(t, f.Sync())
	sameTree(t, "after Sync", tree(t, m.Crash()), map[string]string{"f": "0123ab"})
}

func TestCloneStillCrashes(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("d"))
	writeFile(t, m, "d/f", "x")
	killed := m.Clone()
	sameTree(t, "clone", tree(t, killed), map[string]string{"d/f": "x"})
	sameTree(t, "crash of the clone", tree(t, killed.Crash()), map[string]string{})
	must(t, killed.SyncDir("d"))
	must(t, killed.SyncDir(""))
	sameTree(t, "crash of the clone, names synced", tree(t, killed.Crash()), map[string]string{"d/f": ""})
	sameTree(t, "crash of the original", tree(t, m.Crash()), map[string]string{})
	held, err := m.Lock("lock")
	must(t, err)
	defer held.Close()
	again, err := m.Clone().Lock("lock")
	must(t, err)
	must(t, again.Close())
}

func TestRenameBetweenDirectoriesIsKeptByItsDestination(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("a"))
	must(t, m.MkdirAll("b"))
	must(t, m.SyncDir(""))
	f, err := m.Create("a/f")
	mustOpen(t, f, err)
	writeAt(t, f, "x", 0)
	must(t, f.SyncData())
	must(t, m.Rename("a/f", "b/f"))
	must(t, m.SyncDir("a"))
	sameTree(t, "source synced", tree(t, m.Crash()), map[string]string{"a/f": "x"})
	must(t, m.SyncDir("b"))
	sameTree(t, "destination synced", tree(t, m.Crash()), map[string]string{"b/f": "x"})
}

// TestRenameIsAtomic crashes after the replacement of a file in the usual way:
// write another, sync it, rename it. The one or the other is there, whole.
func TestRenameIsAtomic(t *testing.T) {
	m := NewMem()
	writeSynced(t, m, "checkpoint", "old")
	must(t, m.SyncDir(""))
	writeSynced(t, m, "checkpoint.tmp", "new")
	must(t, m.Rename("checkpoint.tmp", "checkpoint"))
	seen := map[string]int{}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		after := tree(t, m.CrashClone(rng, CrashOptions{NameLoss: 0.5, DataLoss: 0.5}))
		seen[fmt.Sprint(after)]++
	}
	want := []string{"map[checkpoint:old]", "map[checkpoint:old checkpoint.tmp:new]", "map[checkpoint:new]"}
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("%s never came about", w)
		}
		delete(seen, w)
	}
	if len(seen) > 0 {
		t.Errorf("impossible outcomes: %v", seen)
	}
}

func writeSynced(t testing.TB, m *Mem, name, p string) {
	t.Helper()
	f, err := m.Create(name)
	must(t, err)
	writeAt(t, f, p, 0)
	must(t, f.SyncData())
	must(t, f.Close())
}

// TestCrashTearsWrites looks for each kind of damage that a write may suffer.
func TestCrashTearsWrites(t *testing.T) {
	m := NewMem()
	old := bytes.Repeat([]byte{'o'}, 4*sectorBytes)
	writeSynced(t, m, "f", string(old))
	must(t, m.SyncDir(""))
	f, err := m.OpenReadWrite("f")
	mustOpen(t, f, err)
	writeAt(t, f, string(bytes.Repeat([]byte{'n'}, 8*sectorBytes)), 0)
	seen := map[string]bool{}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		got := tree(t, m.CrashClone(rng, CrashOptions{DataLoss: 0.5}))["f"]
		if len(got) < len(old) || len(got) > 8*sectorBytes {
			t.Fatalf("%d bytes", len(got))
		}
		sectors := ""
		for s := 0; s*sectorBytes < len(got); s++ {
			sector := got[s*sectorBytes : min((s+1)*sectorBytes, len(got))]
			for i := range sector {
				if sector[i] != sector[0] {
					t.Fatalf("sector %d is torn within", s)
				}
			}
			sectors += string(sector[0])
		}
		switch {
		case sectors == "oooo":
			seen["lost"] = true
		case sectors == "nnnnnnnn":
			seen["kept"] = true
		case bytes.Contains([]byte(sectors), []byte("\x00")):
			seen["grown without data"] = true
		case bytes.Contains([]byte(sectors), []byte("on")):
			seen["later sector first"] = true
		}
	}
	for _, w := range []string{"lost", "kept", "grown without data", "later sector first"} {
		if !seen[w] {
			t.Errorf("no crash had the file %s", w)
		}
	}
}

// TestTruncatedBytesDoNotComeBack: a shorter file that then grew again never has
// at its end what had been cut off, unless the truncation itself was lost.
func TestTruncatedBytesDoNotComeBack(t *testing.T) {
	m := NewMem()
	writeSynced(t, m, "f", string(bytes.Repeat([]byte{'o'}, 3000)))
	must(t, m.SyncDir(""))
	f, err := m.OpenReadWrite("f")
	mustOpen(t, f, err)
	must(t, f.Truncate(700))
	writeAt(t, f, string(bytes.Repeat([]byte{'n'}, 4000)), 700)
	rng := rand.New(rand.NewPCG(3, 3))
	for range 500 {
		got := tree(t, m.CrashClone(rng, CrashOptions{DataLoss: 0.5}))["f"]
		if len(got) == 3000 {
			continue // the length before, or one on the way to the last
		}
		if i := bytes.LastIndexByte([]byte(got), 'o'); i >= 700 {
			t.Fatalf("of %d bytes, byte %d is the old one", len(got), i)
		}
	}
}

// TestCrashOutcomesAreConsistent runs random operations, crashes, and checks what
// must hold of any outcome: no file under two names, no content that was never
// written, nothing lost that was synced and not touched since; the same seed, the
// same outcome; and that syncing everything keeps everything.
func TestCrashOutcomesAreConsistent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := NewMem()
		dirs := []string{"", "d", "d/e"}
		must(t, m.MkdirAll("d/e"))
		must(t, m.SyncDir(""))
		must(t, m.SyncDir("d"))
		name := rapid.Custom(func(rt *rapid.T) string {
			return filepath.Join(rapid.SampledFrom(dirs).Draw(rt, "dir"), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "base"))
		})
		written := map[string]bool{}
		for i := range rapid.IntRange(1, 25).Draw(rt, "operations") {
			switch rapid.IntRange(0, 5).Draw(rt, "kind") {
			case 0, 1:
				id := fmt.Sprintf("content %d", i)
				written[id] = true
				n := name.Draw(rt, "create")
				m.Remove(n) // another inode, where there was one
				writeSynced(t, m, n, id)
			case 2:
				m.Remove(name.Draw(rt, "remove")) // whether or not it is there
			case 3, 4:
				m.Rename(name.Draw(rt, "from"), name.Draw(rt, "to"))
			case 5:
				must(t, m.SyncDir(rapid.SampledFrom(dirs).Draw(rt, "sync")))
			}
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		options := CrashOptions{NameLoss: 0.4, DataLoss: 0.4}
		after := tree(t, m.CrashClone(rand.New(rand.NewPCG(seed, 0)), options))
		if again := tree(t, m.CrashClone(rand.New(rand.NewPCG(seed, 0)), options)); !maps.Equal(after, again) {
			rt.Fatalf("one seed, two outcomes: %q and %q", after, again)
		}
		owner := map[string]string{}
		for path, content := range after {
			if !written[content] {
				rt.Fatalf("%s has %q, which was never written", path, content)
			}
			if other, ok := owner[content]; ok {
				rt.Fatalf("%q is both at %s and at %s", content, path, other)
			}
			owner[content] = path
		}
		seen := tree(t, m)
		durable := tree(t, m.Crash())
		for _, dir := range dirs {
			must(t, m.SyncDir(dir))
		}
		if synced := tree(t, m.Crash()); !maps.Equal(synced, seen) {
			rt.Fatalf("all names synced, and a crash leaves %q of %q (before: %q)", synced, seen, durable)
		}
	})
}

// TestDirectoryMovesStayATree moves directories into one another, syncing some:
// what a crash leaves is a tree still, and syncing all keeps all.
func TestDirectoryMovesStayATree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := NewMem()
		names := []string{"p", "q", "p/r", "q/r", "p/q", "q/p", "p/r/q", "q/r/p"}
		for range rapid.IntRange(1, 25).Draw(rt, "operations") {
			n := rapid.SampledFrom(names)
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0:
				must(t, m.MkdirAll(n.Draw(rt, "make")))
			case 1:
				m.Remove(n.Draw(rt, "remove"))
			case 2, 3:
				m.Rename(n.Draw(rt, "from"), n.Draw(rt, "to"))
			case 4:
				m.SyncDir(n.Draw(rt, "sync"))
			}
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		directories(t, m.CrashClone(rng, CrashOptions{NameLoss: 0.5})) // returns: there is no ring
		want := directories(t, m)
		for range len(want) + 1 { // a directory is there to be synced once its parent is
			for dir := range want {
				must(t, m.SyncDir(dir))
			}
		}
		must(t, m.SyncDir(""))
		if got := directories(t, m.Crash()); !maps.Equal(got, want) {
			rt.Fatalf("all synced, and a crash leaves %v of %v", got, want)
		}
	})
}

func directories(t testing.TB, m *Mem) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	var walk func(string)
	walk = func(dir string) {
		infos, err := m.ReadDir(dir)
		must(t, err)
		for _, i := range infos {
			if i.IsDir {
				out[filepath.Join(dir, i.Name)] = true
				walk(filepath.Join(dir, i.Name))
			}
		}
	}
	walk("")
	return out
}
