package broker

import (
	"path/filepath"
	"strings"
	"testing"

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
	_, err := openDirectory(fs, "data", 1, false)
	if err == nil || !strings.Contains(err.Error(), "is not chronik's") {
		t.Errorf("opened Kafka's directory: %v", err)
	}
	if text, err := vfs.ReadFile(fs, path, metaBytesMax); err != nil || string(text) != kafkas {
		t.Errorf("Kafka's file has been changed: %q, %v", text, err)
	}
}

func TestDirectoryIsOpenedAgainByItsNodeAlone(t *testing.T) {
	fs := vfs.NewMem()
	first, err := openDirectory(fs, "data", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openDirectory(fs, "data", 1, false); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("opened twice: %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openDirectory(fs, "data", 2, false); err == nil || !strings.Contains(err.Error(), "set --node-id 1") {
		t.Errorf("opened by another node: %v", err)
	}
	again, err := openDirectory(fs, "data", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if again.id != first.id || again.cluster != first.cluster {
		t.Errorf("opened again as directory %s of cluster %s; it was %s of %s", again.id, again.cluster, first.id, first.cluster)
	}
}

// Who has lost the file might be another node, of another cluster.
func TestDataThatSaysNotWhoseItIsIsLeftAlone(t *testing.T) {
	fs := vfs.NewMem()
	if err := vfs.MkdirAllSynced(fs, filepath.Join("data", metadataLog)); err != nil {
		t.Fatal(err)
	}
	if _, err := openDirectory(fs, "data", 1, false); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("opened: %v", err)
	}
	if _, err := fs.Stat(filepath.Join("data", metaFile)); err == nil {
		t.Error("the directory was given to this node")
	}
}
