//go:build linux

package mount

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chronik/chronik/interop/faults/disk"
)

// mounted shows a new disk in a directory. Mounting takes root, as the harness does.
func mounted(t testing.TB) (d *disk.Disk, dir string, again func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse")
	}
	work := t.TempDir()
	dir = filepath.Join(work, "mount")
	d, err := disk.New(filepath.Join(work, "store"))
	noError(t, errors.Join(err, os.Mkdir(dir, 0o755)))
	m, err := New(d, dir)
	noError(t, err)
	t.Cleanup(func() { noError(t, errors.Join(m.Unmount(), d.Close())) })
	return d, dir, func() {
		t.Helper()
		noError(t, m.Unmount())
		if _, err := d.LosePower(1); err != nil {
			t.Fatal(err)
		}
		m, err = New(d, dir)
		noError(t, err)
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func syncDir(t testing.TB, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	noError(t, err)
	noError(t, errors.Join(f.Sync(), f.Close()))
}

// TestProcessesUseItAsAnyFileSystem does once what brokers do with files.
func TestProcessesUseItAsAnyFileSystem(t *testing.T) {
	_, dir, _ := mounted(t)
	path := filepath.Join(dir, "a", "b", "file")
	noError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB
	noError(t, os.WriteFile(path, large, 0o640))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	noError(t, err)
	_, err = f.WriteString("end")
	noError(t, err)
	noError(t, errors.Join(f.Sync(), unix.Fdatasync(int(f.Fd())), unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)))
	noError(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, 4<<20))
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, append(large, "end"...)) {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	noError(t, f.Truncate(5))
	noError(t, os.Rename(path, filepath.Join(dir, "renamed")))
	noError(t, os.Symlink("renamed", filepath.Join(dir, "symlink")))
	noError(t, os.Link(filepath.Join(dir, "renamed"), filepath.Join(dir, "link")))
	noError(t, os.Remove(filepath.Join(dir, "renamed")))
	_, err = f.WriteString("56")
	noError(t, errors.Join(err, f.Close()))
	if got, err := os.ReadFile(filepath.Join(dir, "link")); err != nil || string(got) != "0123456" {
		t.Errorf("%q: %v", got, err)
	}
	info, err := os.Stat(filepath.Join(dir, "link"))
	if err != nil || info.Size() != 7 || info.Mode() != 0o640 {
		t.Errorf("%+v: %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "symlink")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the symbolic link leads somewhere: %v", err)
	}
	noError(t, os.RemoveAll(filepath.Join(dir, "a")))
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 2 {
		t.Errorf("%v: %v", list, err)
	}
	var s unix.Statfs_t
	if noError(t, unix.Statfs(dir, &s)); s.Bavail == 0 {
		t.Error("no space")
	}
}

func TestALargeDirectoryIsListedWhole(t *testing.T) {
	_, dir, _ := mounted(t)
	for n := range 1000 {
		noError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%0100d", n)), nil, 0o600))
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1000 {
		t.Errorf("%d entries: %v", len(list), err)
	}
}

// TestMappedPagesAreWritten: Kafka maps its indexes. Another process does so: this one would
// wait in a page fault for itself to answer.
func TestMappedPagesAreWritten(t *testing.T) {
	const asked = "FAULTS_MAP_A_FILE_IN"
	if dir := os.Getenv(asked); dir != "" {
		writeMapped(t, dir)
		return
	}
	_, dir, _ := mounted(t)
	other := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	other.Env = append(os.Environ(), asked+"="+dir)
	if out, err := other.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "index"))
	if err != nil || string(got[4090:4104]) != "over two pages" {
		t.Errorf("%q: %v", got[4090:4104], err)
	}
}

func writeMapped(t *testing.T, dir string) {
	f, err := os.Create(filepath.Join(dir, "index"))
	noError(t, err)
	noError(t, f.Truncate(1<<20))
	mapped, err := unix.Mmap(int(f.Fd()), 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	noError(t, err)
	copy(mapped[4090:], "over two pages")
	noError(t, errors.Join(unix.Msync(mapped, unix.MS_SYNC), unix.Munmap(mapped), f.Close()))
}

// TestALossOfPowerTakesWhatWasNotSynced, and the pages that the kernel had cached of it.
func TestALossOfPowerTakesWhatWasNotSynced(t *testing.T) {
	_, dir, losePower := mounted(t)
	path := filepath.Join(dir, "file")
	f, err := os.Create(path)
	noError(t, err)
	_, err = f.WriteString("synced")
	noError(t, errors.Join(err, unix.Fdatasync(int(f.Fd()))))
	syncDir(t, dir)
	for n := range 100 {
		_, err = fmt.Fprint(f, "not ", n)
		noError(t, err)
		noError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), []byte("x"), 0o600))
	}
	all, err := os.ReadFile(path)
	noError(t, errors.Join(err, f.Close()))
	losePower()
	left, err := os.ReadFile(path)
	noError(t, err)
	if !bytes.HasPrefix(left, []byte("synced")) || len(left) == len(all) {
		t.Errorf("%d of %d bytes left: %.10q", len(left), len(all), left)
	}
	list, err := os.ReadDir(dir)
	noError(t, err)
	if !slices.ContainsFunc(list, func(e os.DirEntry) bool { return e.Name() == "file" }) {
		t.Error("the file is gone")
	}
}

func TestAFullDiskIsFelt(t *testing.T) {
	d, dir, _ := mounted(t)
	f, err := os.Create(filepath.Join(dir, "file"))
	noError(t, err)
	defer f.Close()
	d.Fill(1000)
	n, err := f.Write(make([]byte, 5000))
	if n != 1000 || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%d bytes: %v", n, err)
	}
	d.RefuseSyncs(true)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
}

// BenchmarkAppend is a broker's way: a small write, and a sync.
func BenchmarkAppend(b *testing.B) {
	_, dir, _ := mounted(b)
	f, err := os.Create(filepath.Join(dir, "file"))
	noError(b, err)
	defer f.Close()
	data := make([]byte, 4000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		_, err := f.Write(data)
		noError(b, errors.Join(err, unix.Fdatasync(int(f.Fd()))))
	}
}
