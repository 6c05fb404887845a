package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"
)

// Each file system is held to the same contract: the operating system's sets it,
// the others follow.

func TestConformance(t *testing.T) {
	systems := map[string]func(testing.TB) (FS, string){
		"os":     func(t testing.TB) (FS, string) { return OS(), t.TempDir() },
		"mem":    func(testing.TB) (FS, string) { return NewMem(), "" },
		"faulty": func(testing.TB) (FS, string) { return NewFaulty(NewMem(), func(Op) error { return nil }), "/" },
	}
	checks := map[string]func(*testing.T, FS, string){
		"content": checkContent, "modes": checkModes, "names": checkNames, "rename": checkRename,
		"directories": checkDirectories, "lock": checkLock, "usage": checkUsage, "open file outlives its name": checkUnlinked,
		"cached": checkCached,
	}
	for system, open := range systems {
		for name, check := range checks {
			t.Run(system+"/"+name, func(t *testing.T) {
				fs, root := open(t)
				check(t, fs, root)
			})
		}
	}
}

func mustOpen(t testing.TB, f File, err error) File {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func writeAt(t testing.TB, f File, p string, off int64) {
	t.Helper()
	if n, err := f.WriteAt([]byte(p), off); err != nil || n != len(p) {
		t.Fatalf("write %d bytes at %d: %d, %v", len(p), off, n, err)
	}
}

// content reads a whole file.
func content(t testing.TB, f File) string {
	t.Helper()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n != len(b) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("read: %d of %d bytes, %v", n, size, err)
	}
	return string(b)
}

func contentOf(t testing.TB, fs FS, name string) string {
	t.Helper()
	f, err := fs.Open(name)
	must(t, err)
	defer f.Close()
	return content(t, f)
}

func writeFile(t testing.TB, fs FS, name, p string) {
	t.Helper()
	f, err := fs.Create(name)
	must(t, err)
	writeAt(t, f, p, 0)
	must(t, f.Close())
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func checkContent(t *testing.T, fsys FS, root string) {
	f, err := fsys.Create(filepath.Join(root, "f"))
	mustOpen(t, f, err)
	writeAt(t, f, "hello", 3)
	if got := content(t, f); got != "\x00\x00\x00hello" {
		t.Errorf("after a write behind the end: %q", got)
	}
	b := make([]byte, 10)
	if n, err := f.ReadAt(b, 5); n != 3 || err != io.EOF {
		t.Errorf("read across the end: %d, %v", n, err)
	}
	if n, err := f.ReadAt(b, 8); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v", n, err)
	}
	must(t, f.Truncate(5))
	must(t, f.Truncate(7))
	if got := content(t, f); got != "\x00\x00\x00he\x00\x00" {
		t.Errorf("after truncations: %q", got)
	}
	must(t, f.Preallocate(0, 1<<16))
	if size, err := f.Size(); size != 7 || err != nil {
		t.Errorf("after Preallocate the size is %d, %v", size, err)
	}
	must(t, f.SyncData())
	must(t, f.Sync())
	i, err := fsys.Stat(filepath.Join(root, "f"))
	if err != nil || i.Name != "f" || i.Size != 7 || i.IsDir || i.ModTime.IsZero() {
		t.Errorf("stat: %+v, %v", i, err)
	}
	if _, err := f.WriteAt([]byte("x"), -1); err == nil {
		t.Error("a write at -1 was taken")
	}
	if err := f.Truncate(-1); err == nil {
		t.Error("a truncation to -1 was taken")
	}
}

func checkModes(t *testing.T, fsys FS, root string) {
	name := filepath.Join(root, "f")
	_, err := fsys.Open(name)
	wantError(t, "open what is not there", err, fs.ErrNotExist)
	rw, err := fsys.OpenReadWrite(name)
	mustOpen(t, rw, err)
	writeAt(t, rw, "abc", 0)
	again, err := fsys.OpenReadWrite(name)
	mustOpen(t, again, err)
	if got := content(t, again); got != "abc" {
		t.Errorf("OpenReadWrite of a file that exists has %q", got)
	}
	ro, err := fsys.Open(name)
	must(t, err)
	if _, err := ro.WriteAt([]byte("x"), 0); err == nil {
		t.Error("a file opened for reading was written")
	}
	if err := ro.Truncate(0); err == nil {
		t.Error("a file opened for reading was truncated")
	}
	must(t, ro.Close())
	wantError(t, "close twice", ro.Close(), fs.ErrClosed)
	_, err = ro.ReadAt(make([]byte, 1), 0)
	wantError(t, "read when closed", err, fs.ErrClosed)
	created, err := fsys.Create(name)
	mustOpen(t, created, err)
	if got := content(t, rw); got != "" {
		t.Errorf("after Create the file has %q", got)
	}
}

func checkNames(t *testing.T, fsys FS, root string) {
	for _, name := range []string{"b", "a", "c"} {
		writeFile(t, fsys, filepath.Join(root, name), name)
	}
	must(t, fsys.SyncDir(root))
	must(t, fsys.Remove(filepath.Join(root, "b")))
	wantError(t, "remove twice", fsys.Remove(filepath.Join(root, "b")), fs.ErrNotExist)
	infos, err := fsys.ReadDir(root)
	must(t, err)
	if len(infos) != 2 || infos[0].Name != "a" || infos[1].Name != "c" || infos[1].Size != 1 {
		t.Errorf("the directory has %+v", infos)
	}
	_, err = fsys.Stat(filepath.Join(root, "b"))
	wantError(t, "stat of what was removed", err, fs.ErrNotExist)
	_, err = fsys.Create(filepath.Join(root, "no", "f"))
	wantError(t, "create in no directory", err, fs.ErrNotExist)
	if _, err = fsys.Open(filepath.Join(root, "a", "f")); err == nil {
		t.Error("a file was opened as a directory")
	}
}

func checkRename(t *testing.T, fsys FS, root string) {
	a, b, dir := filepath.Join(root, "a"), filepath.Join(root, "b"), filepath.Join(root, "dir")
	writeFile(t, fsys, a, "one")
	writeFile(t, fsys, b, "two")
	must(t, fsys.Rename(a, b))
	if got := contentOf(t, fsys, b); got != "one" {
		t.Errorf("after the rename b has %q", got)
	}
	wantError(t, "rename of nothing", fsys.Rename(a, b), fs.ErrNotExist)
	must(t, fsys.Rename(b, b))
	must(t, fsys.MkdirAll(dir))
	wantError(t, "rename onto a directory", fsys.Rename(b, dir), fs.ErrExist)
	if err := fsys.Rename(dir, b); err == nil {
		t.Error("a directory replaced a file")
	}
	if err := fsys.Rename(dir, filepath.Join(dir, "in")); err == nil {
		t.Error("a directory was renamed into itself")
	}
	must(t, fsys.Rename(b, filepath.Join(dir, "b")))
	must(t, fsys.Rename(dir, filepath.Join(root, "moved")))
	if got := contentOf(t, fsys, filepath.Join(root, "moved", "b")); got != "one" {
		t.Errorf("after the directory's rename the file has %q", got)
	}
}

func checkDirectories(t *testing.T, fsys FS, root string) {
	deep := filepath.Join(root, "x", "y", "z")
	must(t, fsys.MkdirAll(deep))
	must(t, fsys.MkdirAll(deep))
	writeFile(t, fsys, filepath.Join(deep, "f"), "f")
	if err := fsys.MkdirAll(filepath.Join(deep, "f", "g")); err == nil {
		t.Error("a directory was made below a file")
	}
	i, err := fsys.Stat(deep)
	if err != nil || !i.IsDir || i.Size != 0 || i.Name != "z" {
		t.Errorf("stat of the directory: %+v, %v", i, err)
	}
	if err := fsys.Remove(deep); err == nil {
		t.Error("a directory with a file in it was removed")
	}
	if _, err := fsys.OpenReadWrite(deep); err == nil {
		t.Error("a directory was opened for writing")
	}
	must(t, fsys.Remove(filepath.Join(deep, "f")))
	must(t, fsys.Remove(deep))
	must(t, fsys.RemoveAll(filepath.Join(root, "x")))
	must(t, fsys.RemoveAll(filepath.Join(root, "x")))
	must(t, fsys.RemoveAll(filepath.Join(root, "x", "y")))
	_, err = fsys.ReadDir(filepath.Join(root, "x"))
	wantError(t, "list what was removed", err, fs.ErrNotExist)
	wantError(t, "sync what was removed", fsys.SyncDir(filepath.Join(root, "x")), fs.ErrNotExist)
}

func checkLock(t *testing.T, fsys FS, root string) {
	name := filepath.Join(root, ".lock")
	held, err := fsys.Lock(name)
	must(t, err)
	_, err = fsys.Lock(name)
	wantError(t, "lock what is held", err, ErrLocked)
	must(t, held.Close())
	again, err := fsys.Lock(name)
	must(t, err)
	must(t, again.Close())
}

func checkUsage(t *testing.T, fsys FS, root string) {
	u, err := fsys.Usage(root)
	if err != nil || u.TotalBytes == 0 || u.FreeBytes > u.TotalBytes {
		t.Errorf("usage: %+v, %v", u, err)
	}
	_, err = fsys.Usage(filepath.Join(root, "nothing"))
	wantError(t, "usage of nothing", err, fs.ErrNotExist)
}

func checkUnlinked(t *testing.T, fsys FS, root string) {
	name := filepath.Join(root, "f")
	f, err := fsys.Create(name)
	mustOpen(t, f, err)
	writeAt(t, f, "still", 0)
	must(t, fsys.Remove(name))
	writeAt(t, f, " here", 5)
	must(t, f.Sync())
	if got := content(t, f); got != "still here" {
		t.Errorf("the removed file has %q", got)
	}
}

// TestMemReadsWhileOthersWrite is for the race detector: ReadAt goes along with
// everything but Close.
func TestMemReadsWhileOthersWrite(t *testing.T) {
	m := NewMem()
	f, err := m.Create("f")
	mustOpen(t, f, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range int64(200) {
			if _, err := f.WriteAt(bytes.Repeat([]byte{'x'}, 100), i*100); err != nil {
				t.Error(err)
			}
			if err := f.SyncData(); err != nil {
				t.Error(err)
			}
		}
	}()
	b := make([]byte, 4096)
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		n, _ := f.ReadAt(b, 0)
		if i := bytes.IndexFunc(b[:n], func(r rune) bool { return r != 'x' }); i >= 0 {
			t.Fatalf("byte %d is %q", i, b[i])
		}
	}
}

// What is synced with its file system is durable like what is synced by itself.
func TestMemVolumeSyncsEverything(t *testing.T) {
	m := NewMem()
	must(t, m.MkdirAll("a/b"))
	f, err := m.Create("a/b/kept")
	writeAt(t, mustOpen(t, f, err), "kept", 0)
	g, err := m.Create("a/gone")
	writeAt(t, mustOpen(t, g, err), "gone", 0)
	must(t, m.Rename("a/gone", "a/b/moved"))
	v, err := m.Volume("a")
	must(t, err)
	must(t, v.Sync())
	writeAt(t, f, "lost", 4)
	after := m.Crash()
	for name, want := range map[string]string{"a/b/kept": "kept", "a/b/moved": "gone"} {
		h, err := after.Open(name)
		if got := content(t, mustOpen(t, h, err)); got != want {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if _, err := m.Volume("nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a volume of nothing: %v", err)
	}
}

// checkCached: what ReadCached says that it has read is what is there.
func checkCached(t *testing.T, fs FS, root string) {
	f, err := fs.Create(filepath.Join(root, "f"))
	f = mustOpen(t, f, err)
	writeAt(t, f, "0123456789", 0)
	f.NoReadAhead()
	f.Forget(0, 4) // it is all there still, wherever
	for _, off := range []int64{0, 4, 9, 10, 20} {
		buf := make([]byte, 8)
		n := f.ReadCached(buf, off)
		rest := "0123456789"[min(off, 10):]
		if n > len(rest) || string(buf[:n]) != rest[:n] {
			t.Errorf("at %d it read %q", off, buf[:n])
		}
	}
	if n := f.ReadCached(nil, 0); n != 0 {
		t.Errorf("%d bytes into nothing", n)
	}
}
