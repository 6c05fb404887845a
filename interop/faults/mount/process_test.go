//go:build linux

package mount

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestADiskRunsInAProcessOfItsOwn starts this test as the disk's process, and loses the
// power of it.
func TestADiskRunsInAProcessOfItsOwn(t *testing.T) {
	const asked = "FAULTS_SERVE_A_DISK_IN"
	if work := os.Getenv(asked); work != "" {
		noError(t, Serve(filepath.Join(work, "store"), filepath.Join(work, "mount"), os.Stdin, os.Stdout))
		os.Exit(0) // without a word of the test's to what reads the answers
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	work := t.TempDir()
	dir := filepath.Join(work, "mount")
	noError(t, os.Mkdir(dir, 0o755))
	t.Setenv(asked, work)
	p, err := Start([]string{os.Args[0], "-test.run=^" + t.Name() + "$"}, dir)
	noError(t, err)
	noError(t, p.Fill(0))
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600); err == nil {
		t.Error("a full disk takes a file")
	}
	noError(t, p.MakeRoom())
	noError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600))
	noError(t, p.RefuseSyncs(true))
	f, err := os.Open(dir)
	noError(t, err)
	if f.Sync() == nil {
		t.Error("a sync succeeds")
	}
	noError(t, errors.Join(f.Close(), p.RefuseSyncs(false)))
	if felt, err := p.Felt(); err != nil || felt.NoSpace == 0 || felt.Unsynced == 0 {
		t.Errorf("felt %+v, %v", felt, err)
	}
	if loss, err := p.LosePower(3); err != nil || loss.Names != 1 {
		t.Errorf("lost %+v, %v", loss, err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("left: %v, %v", list, err)
	}
	noError(t, p.Close())
}
