package nodes

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chronik/chronik/interop/cluster"
)

// What has been settled is not in the page cache any more.
func TestSettle(t *testing.T) {
	n := &nodes{Cluster: &cluster.Cluster{Dir: t.TempDir()}}
	var fs unix.Statfs_t
	if err := unix.Statfs(n.Dir, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Type == unix.TMPFS_MAGIC {
		t.Skip("a file there is nowhere but in memory")
	}
	path := filepath.Join(n.Dir, "node1", "t-0", "00000000000000000000.log")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte{1}, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if pages := resident(t, path); pages == 0 {
		t.Fatal("what has just been written is not in memory")
	}
	if err := n.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pages := resident(t, path); pages != 0 {
		t.Errorf("%d pages are still in memory", pages)
	}
}

// resident is how many pages of a file are in memory.
func resident(t *testing.T, path string) uint64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var found unix.Cachestat_t
	err = unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &found, 0)
	if err != nil {
		t.Skip("needs cachestat of Linux 6.5: ", err)
	}
	return found.Cache
}
