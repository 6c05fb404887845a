package broker

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

func TestKafkasDirectoryIsLeftAlone(t *testing.T) {
	// What kafka-storage 4.3 writes; chronik's own has a line more.
	const kafkas = "#\n#Fri Nov 27 09:00:00 UTC 2026\ncluster.id=4L6g3nShT-eMCtK--X86sw\n" +
		"directory.id=0T2Lw2m4QpaI3uE9v8T1yQ\nnode.id=1\nversion=1\n"
	fs := vfs.NewMem()
	if err := vfs.MkdirAllSynced(fs, "data"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("data", metaFile)
	if err := vfs.WriteFileAtomically(fs, path, []byte(kafkas)); err != nil {
		t.Fatal(err)
	}
	_, err := openOne(fs, 1, false)
	if err == nil || !strings.Contains(err.Error(), "is not chronik's") {
		t.Errorf("opened Kafka's directory: %v", err)
	}
	if text, err := vfs.ReadFile(fs, path, metaBytesMax); err != nil || string(text) != kafkas {
		t.Errorf("Kafka's file has been changed: %q, %v", text, err)
	}
}

func TestDirectoryIsOpenedAgainByItsNodeAlone(t *testing.T) {
	fs := vfs.NewMem()
	first, err := openOne(fs, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openOne(fs, 1, false); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("opened twice: %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openOne(fs, 2, false); err == nil || !strings.Contains(err.Error(), "set --node-id 1") {
		t.Errorf("opened by another node: %v", err)
	}
	again, err := openOne(fs, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if again.data.id() != first.data.id() || again.data.clusterID() != first.data.clusterID() {
		t.Errorf("opened again as directory %s of cluster %s; it was %s of %s", again.data.id(), again.data.clusterID(), first.data.id(), first.data.clusterID())
	}
}

// Who has lost the file might be another node, of another cluster.
func TestDataThatSaysNotWhoseItIsIsLeftAlone(t *testing.T) {
	fs := vfs.NewMem()
	if err := vfs.MkdirAllSynced(fs, filepath.Join("data", metadataLog)); err != nil {
		t.Fatal(err)
	}
	if _, err := openOne(fs, 1, false); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("opened: %v", err)
	}
	if _, err := fs.Stat(filepath.Join("data", metaFile)); err == nil {
		t.Error("the directory was given to this node")
	}
}

// A node of several learns which cluster it is of, and keeps that.
func TestDirectoryJoinsOneCluster(t *testing.T) {
	fs := vfs.NewMem()
	d := openForTest(t, fs)
	if id := d.data.clusterID(); id != "" {
		t.Errorf("it begins in cluster %q", id)
	}
	for _, cluster := range []string{"", "ours", "", "ours"} {
		if err := d.joined(cluster); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.joined("theirs"); err == nil || !strings.Contains(err.Error(), "belongs to cluster ours") {
		t.Errorf("joined another cluster: %v", err)
	}
	first := d.data.id()
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	d = openForTest(t, fs)
	if d.data.clusterID() != "ours" || d.data.id() != first {
		t.Errorf("opened again as directory %s of %q", d.data.id(), d.data.clusterID())
	}
	if err := d.data.renew(); err != nil {
		t.Fatal(err)
	}
	renewed := d.data.id()
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if d = openForTest(t, fs); d.data.id() != renewed || renewed == first || d.data.clusterID() != "ours" {
		t.Errorf("renewed as %s of %q, opened as %s; it was %s", renewed, d.data.clusterID(), d.data.id(), first)
	}
}

// openOne opens a data directory that is the only log directory too.
func openOne(fs vfs.FS, node model.NodeID, clustered bool) (*directories, error) {
	return openDirectories(fs, "data", []string{"data"}, node, clustered, slog.New(slog.DiscardHandler))
}

func openForTest(t *testing.T, fs vfs.FS) *directories {
	t.Helper()
	d, err := openOne(fs, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What was not synced is lost where the machine has been started since, unless the
// last run had closed everything.
func TestDirectoryKnowsOfTheMachinesRestart(t *testing.T) {
	tests := []struct {
		name         string
		before, now  string // the machine's runs
		clean        bool
		wantRebooted bool
	}{
		{"killed", "a", "a", false, false},
		{"power lost", "a", "b", false, true},
		{"stopped in order, then started", "a", "b", true, false},
		{"a machine that does not say", "", "", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fs := vfs.NewMem()
			d := openForTest(t, fs)
			if d.data.rebooted {
				t.Error("a new directory has lost something")
			}
			d.data.boot = tt.before
			if err := d.data.noteBoot(); err != nil {
				t.Fatal(err)
			}
			if tt.clean {
				if err := d.markClean(true); err != nil {
					t.Fatal(err)
				}
			}
			d.data.boot = tt.now
			if err := d.begin(true); err != nil {
				t.Fatal(err)
			}
			if d.data.rebooted != tt.wantRebooted || d.clean() != tt.clean {
				t.Errorf("rebooted %t, clean %t", d.data.rebooted, d.clean())
			}
			if _, err := fs.Stat(filepath.Join("data", cleanFile)); err == nil {
				t.Error("the marker is still there")
			}
		})
	}
}

// A copy that is condemned is not there at the next start, and the directory is
// another: what it held does not count any more.
func TestCondemnedCopiesAreSetAside(t *testing.T) {
	fs := vfs.NewMem()
	d := openForTest(t, fs)
	for _, name := range []string{"t-0", "t-1"} {
		if err := vfs.MkdirAllSynced(fs, filepath.Join("data", name)); err != nil {
			t.Fatal(err)
		}
	}
	if dropped, err := d.dropCondemned(); err != nil || len(dropped) > 0 {
		t.Fatalf("nothing is condemned: %v, %v", dropped, err)
	}
	for _, name := range []string{"t-1", "gone-0"} {
		if err := d.data.condemn(name); err != nil {
			t.Fatal(err)
		}
	}
	before := d.data.id()
	if dropped, err := d.dropCondemned(); err != nil || len(dropped) != 2 || d.data.id() == before {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	if _, err := fs.Stat(filepath.Join("data", "t-1")); err == nil {
		t.Error("the damaged copy is still there")
	}
	if _, err := fs.Stat(filepath.Join("data", "t-0")); err != nil {
		t.Errorf("the copy beside it: %v", err)
	}
	if dropped, err := d.dropCondemned(); err != nil || len(dropped) > 0 {
		t.Errorf("dropped twice: %v, %v", dropped, err)
	}
}
