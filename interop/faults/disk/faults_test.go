//go:build linux

package disk

import (
	"os"
	"syscall"
	"testing"
)

// TestAFullDiskTakesWhatFits and what overwrites, and what space was reserved for.
func TestAFullDiskTakesWhatFits(t *testing.T) {
	d := newDisk(t)
	file := d.make(t, RootID, "file", syscall.S_IFREG)
	d.put(t, file, "0123", 0)
	noError(t, d.Allocate(file, 8, true))
	d.Fill(2)
	if n, err := d.Write(file, []byte("456789abcdef"), 4); n != 6 || err != nil {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
	if n, err := d.Write(file, []byte("a"), 10); n != 0 || err != syscall.ENOSPC {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
	d.put(t, file, "x", 0)
	if _, err := d.Make(RootID, "other", Made{Mode: syscall.S_IFREG}); err != syscall.ENOSPC {
		t.Errorf("made a file: %v", err)
	}
	if err := d.Allocate(file, 100, true); err != syscall.ENOSPC {
		t.Errorf("reserved: %v", err)
	}
	if d.Felt().NoSpace == 0 {
		t.Error("nobody felt it")
	}
	d.Empty()
	d.put(t, file, "a", 10)
	if got, _ := d.cat(t, RootID, "file"); got != "x123456789a" {
		t.Errorf("%q", got)
	}
}

// TestAFailedSyncIsFinal: a later one succeeds, and makes nothing durable.
func TestAFailedSyncIsFinal(t *testing.T) {
	expect(t, outcomes(t, func(d *Disk) (uint64, string) {
		file := d.make(t, RootID, "file", syscall.S_IFREG)
		noError(t, d.SyncDir(RootID))
		d.put(t, file, "a", 0)
		d.RefuseSyncs(true)
		if err := d.Sync(file); err != syscall.EIO {
			t.Errorf("sync: %v", err)
		}
		if err := d.SyncDir(RootID); err != syscall.EIO {
			t.Errorf("sync of the directory: %v", err)
		}
		d.RefuseSyncs(false)
		noError(t, d.Sync(file))
		if d.Felt().Unsynced != 2 {
			t.Errorf("felt %+v", d.Felt())
		}
		return RootID, "file"
	}), "", "a", "\x00")
}

// TestAFileThatNobodyNamesIsGone: neither a directory nor a process nor what a loss of
// power would bring back.
func TestAFileThatNobodyNamesIsGone(t *testing.T) {
	d := newDisk(t)
	a, err := d.Make(RootID, "file", Made{Mode: syscall.S_IFREG})
	noError(t, err)
	noError(t, d.Remove(RootID, "file", false))
	d.put(t, a.ID, "an open file can be written", 0)
	noError(t, d.SyncDir(RootID))
	d.Forget(a.ID, 1)
	if _, err := d.Stat(a.ID); err != syscall.ESTALE {
		t.Errorf("still there: %v", err)
	}
	if left, err := os.ReadDir(d.dir); err != nil || len(left) > 0 {
		t.Errorf("%d files left: %v", len(left), err)
	}
}

func TestNamesAreHeldToTheRules(t *testing.T) {
	d := newDisk(t)
	dir := d.make(t, RootID, "dir", syscall.S_IFDIR)
	file := d.make(t, dir, "file", syscall.S_IFREG)
	cases := map[string]struct {
		err, want error
	}{
		"a directory that is not empty": {d.Remove(RootID, "dir", true), syscall.ENOTEMPTY},
		"a directory as a file":         {d.Remove(RootID, "dir", false), syscall.EISDIR},
		"a file as a directory":         {d.Remove(dir, "file", true), syscall.ENOTDIR},
		"nothing":                       {d.Remove(dir, "none", false), syscall.ENOENT},
		"over another, not wanted":      {d.Rename(Place{RootID, "dir"}, Place{dir, "file"}, true), syscall.EEXIST},
		"nothing renamed":               {d.Rename(Place{RootID, "none"}, Place{dir, "x"}, false), syscall.ENOENT},
		"a file for a directory":        {d.SyncDir(file), syscall.ENOTDIR},
		"a directory for a file":        {d.Sync(dir), syscall.EISDIR},
	}
	for name, c := range cases {
		if c.err != c.want {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if _, err := d.Link(dir, RootID, "again"); err != syscall.EPERM {
		t.Errorf("a second name for a directory: %v", err)
	}
	if _, err := d.Link(file, RootID, "again"); err != nil {
		t.Errorf("a second name for a file: %v", err)
	}
	if _, err := d.Make(RootID, "again", Made{Mode: syscall.S_IFREG}); err != syscall.EEXIST {
		t.Errorf("a name that there is: %v", err)
	}
}
