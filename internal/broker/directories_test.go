package broker

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// disks are a node's data directory, "data", and log directories beside it.
type disks struct {
	t    *testing.T
	fs   *vfs.Mem
	node model.NodeID
	// clustered: the node is one of several.
	clustered bool
}

func (n disks) open(logs ...string) (*directories, error) {
	return openDirectories(n.fs, "data", logs, n.node, n.clustered, slog.New(slog.DiscardHandler))
}

func (n disks) mustOpen(logs ...string) *directories {
	n.t.Helper()
	d, err := n.open(logs...)
	if err != nil {
		n.t.Fatal(err)
	}
	return d
}

// ran opens and closes the directories.
func (n disks) ran(logs ...string) {
	n.t.Helper()
	if err := n.mustOpen(logs...).close(); err != nil {
		n.t.Fatal(err)
	}
}

func (n disks) refuses(why string, logs ...string) {
	n.t.Helper()
	d, err := n.open(logs...)
	if err == nil {
		err = errors.Join(errors.New("it was opened"), d.close())
	}
	if !strings.Contains(err.Error(), why) {
		n.t.Errorf("%v: %v; want %s", logs, err, why)
	}
}

func (n disks) put(dir string) {
	n.t.Helper()
	if err := vfs.MkdirAllSynced(n.fs, dir); err != nil {
		n.t.Fatal(err)
	}
}

func newDisks(t *testing.T) disks { return disks{t: t, fs: vfs.NewMem(), node: 1} }

func TestLogDirectoriesAreTheNodesAndKnown(t *testing.T) {
	n := newDisks(t)
	first := n.mustOpen("a", "b")
	ids := []model.DirectoryID{first.data.id(), first.logs[0].id(), first.logs[1].id()}
	n.refuses("in use by another process", "a", "b")
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again := n.mustOpen("b", "a")
	if got := []model.DirectoryID{again.data.id(), again.logs[1].id(), again.logs[0].id()}; !reflect.DeepEqual(got, ids) {
		t.Errorf("ids %v, before %v", got, ids)
	}
	if again.logs[0].clusterID() != again.data.clusterID() || again.data.clusterID() == "" {
		t.Errorf("log directory of cluster %q, data directory of %q", again.logs[0].clusterID(), again.data.clusterID())
	}
	if err := again.close(); err != nil {
		t.Fatal(err)
	}
	other := n
	other.node = 2
	other.refuses("belongs to node 1", "a", "b")
}

// A disk that is not mounted is an empty directory, or none.
func TestUnmountedLogDirectoryStopsTheStart(t *testing.T) {
	n := newDisks(t)
	n.ran("a", "b")
	n.put("b/t-0")
	for _, put := range []string{"", "b"} {
		if err := n.fs.Rename("b", "elsewhere"); err != nil {
			t.Fatal(err)
		}
		if put == "" {
			n.refuses("log directory b is missing", "a", "b")
		} else {
			n.put(put)
			n.refuses("is another than it was", "a", "b")
		}
		n.refuses("is not listed: add it to --log-dirs", "a")
		if err := errors.Join(n.fs.RemoveAll("b"), n.fs.Rename("elsewhere", "b")); err != nil {
			t.Fatal(err)
		}
		n.ran("a", "b")
	}
	// The same disk at another place is the same directory.
	if err := n.fs.Rename("b", "c"); err != nil {
		t.Fatal(err)
	}
	n.ran("a", "c")
}

func TestUnmountedDataDirectoryStopsTheStart(t *testing.T) {
	n := newDisks(t)
	n.ran("a")
	n.put("a/t-0")
	if err := n.fs.Rename("data", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	n.refuses("data directory data is empty", "a")
}

func TestLogDirectoriesThatAreNotTheNodes(t *testing.T) {
	n := newDisks(t)
	n.ran("a")
	n.refuses("is the data directory of a node", "a", func() string {
		other := n
		d, err := openDirectories(other.fs, "other", []string{"other"}, 1, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
		return "other"
	}())

	// Of another cluster, and an old copy of this node's own.
	d, err := openDirectories(n.fs, "data2", []string{"theirs"}, 1, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	n.put("theirs/t-0")
	n.refuses("belongs to cluster", "a", "theirs")
	n.copyMeta("a", "copy")
	n.refuses("is a copy of a", "a", "copy")

	old := identity{cluster: n.cluster(), node: 1, id: model.NewUUID(), log: true}
	n.put("old/t-0")
	if err := vfs.WriteFileAtomically(n.fs, "old/"+metaFile, old.format()); err != nil {
		t.Fatal(err)
	}
	n.refuses("it may be an old copy", "a", "old")
	n.put("kafka/t-0")
	n.refuses("the meta.properties that says whose is missing", "a", "kafka")
	if d, err := openDirectories(n.fs, "a", []string{"a"}, 1, false, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is a log directory") {
		t.Errorf("a log directory as data directory: %v, %v", d, err)
	}
}

func (n disks) cluster() string {
	d := n.mustOpen("a")
	defer func() { _ = d.close() }()
	return d.data.clusterID()
}

func (n disks) copyMeta(from, to string) {
	n.t.Helper()
	n.put(to)
	text, err := vfs.ReadFile(n.fs, filepath.Join(from, metaFile), metaBytesMax)
	if err == nil {
		err = vfs.WriteFileAtomically(n.fs, filepath.Join(to, metaFile), text)
	}
	if err != nil {
		n.t.Fatal(err)
	}
}

// What holds nothing may go; what holds something may not.
func TestLogDirectoryIsTakenOut(t *testing.T) {
	n := newDisks(t)
	n.ran("data", "/a")
	n.ran("data")
	n.put("data/t-0")
	n.refuses("data directory data holds partitions (t-0)", "/a")
}

func TestLostLogDirectoryIsGivenUp(t *testing.T) {
	for _, clustered := range []bool{false, true} {
		n := newDisks(t)
		n.clustered = clustered
		d := n.mustOpen("a", "b")
		before, lost := d.data.id(), d.logs[1].id()
		if err := errors.Join(d.data.write(func(i *identity) { i.logs[lost] = givenUp }), d.close(), n.fs.RemoveAll("b")); err != nil {
			t.Fatal(err)
		}
		d = n.mustOpen("a", "b")
		if renewed := d.data.id() != before; renewed != clustered {
			t.Errorf("clustered %t, renewed %t", clustered, renewed)
		}
		if d.logs[1].id() == lost || len(d.data.identity().logs) != 2 {
			t.Errorf("known: %v, lost %s", d.data.identity().logs, lost)
		}
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A crash at any moment of a first start leaves what the next can start with.
func TestFirstStartSurvivesACrashAnywhere(t *testing.T) {
	mem, checking := vfs.NewMem(), false
	crashes := 0
	fs := vfs.NewFaulty(mem, func(op vfs.Op) error {
		if op.Kind.Changes() && !checking {
			checking = true
			crashes++
			n := disks{t: t, fs: mem.Crash(), node: 1}
			d, err := n.open("data", "a", "b")
			if err != nil {
				t.Fatalf("after a crash before %s %s: %v", op.Kind, op.Name, err)
			}
			if err := d.close(); err != nil {
				t.Fatal(err)
			}
			checking = false
		}
		return nil
	})
	for range 2 {
		d, err := openDirectories(fs, "data", []string{"data", "a", "b"}, 1, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.markClean(true), d.close()); err != nil {
			t.Fatal(err)
		}
	}
	if crashes < 20 {
		t.Errorf("looked at %d crashes", crashes)
	}
}

func TestEachDirectoryIsCleanForItself(t *testing.T) {
	n := newDisks(t)
	d := n.mustOpen("data", "a")
	if err := errors.Join(d.markClean(true), d.close()); err != nil {
		t.Fatal(err)
	}
	if err := n.fs.Remove(filepath.Join("a", cleanFile)); err != nil {
		t.Fatal(err)
	}
	d = n.mustOpen("data", "a")
	if !d.logs[0].clean || d.logs[1].clean || d.clean() {
		t.Errorf("clean: %t, %t", d.logs[0].clean, d.logs[1].clean)
	}
	if err := errors.Join(d.markClean(false), d.close()); err != nil {
		t.Fatal(err)
	}
	if d = n.mustOpen("data", "a"); !d.logs[0].clean || d.logs[1].clean {
		t.Errorf("after a stop before recovery, clean: %t, %t", d.logs[0].clean, d.logs[1].clean)
	}
}

// What is written is read, and what is read is written alike.
func FuzzIdentity(f *testing.F) {
	i := identity{cluster: "c", node: 3, id: model.NewUUID(), log: true, logs: map[model.DirectoryID]string{
		model.NewUUID(): ` /a b\c` + "\n=é", model.NewUUID(): givenUp,
	}}
	f.Add(i.format())
	f.Add([]byte("version=1\nsoftware=chronik\nnode.id=1\ndirectory.id=0T2Lw2m4QpaI3uE9v8T1yQ\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := parseIdentity(text)
		if err != nil {
			return
		}
		second, err := parseIdentity(first.format())
		if err != nil || second.cluster != first.cluster || second.node != first.node || second.id != first.id || second.log != first.log || !maps.Equal(second.logs, first.logs) {
			t.Fatalf("%q\nis read as %+v, and written as %q, which is %+v, %v", text, first, first.format(), second, err)
		}
		if !bytes.Equal(second.format(), first.format()) {
			t.Fatalf("%q and %q", first.format(), second.format())
		}
	})
}
