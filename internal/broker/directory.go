package broker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// Files of the data directory that belong to the node as a whole.
const (
	lockFile = ".lock"
	// metadataLog is there from a node's first start on, written after metaFile.
	metadataLog = "__cluster_metadata-0"
	// cleanFile is there while the directory is closed in order. It is written
	// last and removed, durably, before anything else is touched.
	cleanFile = ".kafka_cleanshutdown"
	// bootFile names the run of the machine in which the node has last registered.
	bootFile = ".boot-id"
	// condemnedFile lists copies that are damaged, one directory's name a line.
	condemnedFile     = ".damaged"
	condemnedBytesMax = 16 << 20
)

// directory is a data directory or a log directory, which this process has locked.
type directory struct {
	fs   vfs.FS
	path string // as it was given
	lock io.Closer
	// clean: the last process closed everything in it in order.
	clean bool
	// fresh: it belonged to nobody before this start.
	fresh bool
	// rebooted, of the data directory: the last process did not close everything in
	// order, and the machine has been started since: what was not synced is lost.
	rebooted bool
	boot     string // of the machine, "" where it does not say

	condemning sync.Mutex // held by condemn

	mu struct {
		sync.Mutex
		// identity's cluster is made up by the first node of it; "" where the node has not
		// heard of it yet.
		identity identity
	}
}

// lockDirectory makes a directory where it does not exist, and locks it.
func lockDirectory(fsys vfs.FS, path, what, setting string) (*directory, error) {
	if err := vfs.MkdirAllSynced(fsys, path); err != nil {
		return nil, fmt.Errorf("%s directory %s (%s) cannot be made: %w", what, path, setting, err)
	}
	lock, err := fsys.Lock(filepath.Join(path, lockFile))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%s directory %s is in use by another process; stop that, or choose another with %s: %w", what, path, setting, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s directory %s cannot be locked: %w", what, path, err)
	}
	return &directory{fs: fsys, path: path, lock: lock}, nil
}

// takeMarker takes the clean-stop marker away, durably before the first write: a crash
// from then on is not a clean stop.
func (d *directory) takeMarker() error {
	marker := filepath.Join(d.path, cleanFile)
	if _, err := d.fs.Stat(marker); err != nil {
		d.clean = false
		return ignoreNotExist(err)
	}
	d.clean = true
	if err := d.fs.Remove(marker); err != nil {
		return fmt.Errorf("remove %s: %w", marker, err)
	}
	return d.fs.SyncDir(d.path)
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// readIdentity reads whose the directory is, and refuses one that belongs to another node.
// One that is nobody's is fresh.
func (d *directory) readIdentity(node model.NodeID, setting string) error {
	path := filepath.Join(d.path, metaFile)
	text, err := vfs.ReadFile(d.fs, path, metaBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		d.fresh = true
		d.mu.identity = identity{node: node, id: model.NewUUID(), logs: make(map[model.DirectoryID]string)}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	found, err := parseIdentity(text)
	switch {
	case errors.Is(err, errNotChronik):
		return fmt.Errorf("directory %s is not chronik's: %s has no software=%s; it may be Kafka's, which cannot be taken over: choose another %s", d.path, metaFile, software, setting)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case found.node != node:
		return fmt.Errorf("directory %s belongs to node %d, and this node is %d: set --node-id %d, or choose another %s", d.path, found.node, node, found.node, setting)
	}
	d.mu.identity = found
	return nil
}

// write changes what is known of the directory, durably.
func (d *directory) write(change func(*identity)) error {
	d.mu.Lock()
	next := d.mu.identity
	next.logs = maps.Clone(next.logs)
	change(&next)
	d.mu.identity = next
	d.mu.Unlock()
	path := filepath.Join(d.path, metaFile)
	if err := vfs.WriteFileAtomically(d.fs, path, next.format()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (d *directory) identity() identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.identity
}

// id is who the directory is; the data directory's is the one that the node registers with.
func (d *directory) id() model.DirectoryID { return d.identity().id }

// clusterID is the id of the cluster that the directory belongs to; "" where it is not
// known yet.
func (d *directory) clusterID() string { return d.identity().cluster }

// absolute is the directory's path as clients are told.
func (d *directory) absolute() string {
	if path, err := filepath.Abs(d.path); err == nil {
		return path
	}
	return filepath.Clean(d.path)
}

// condemn notes that a partition's copy is damaged: the next start sets it aside.
// It may be called concurrently.
func (d *directory) condemn(partition string) error {
	d.condemning.Lock()
	defer d.condemning.Unlock()
	path := filepath.Join(d.path, condemnedFile)
	text, err := vfs.ReadFile(d.fs, path, condemnedBytesMax)
	if err := ignoreNotExist(err); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := vfs.WriteFileAtomically(d.fs, path, append(text, partition+"\n"...)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// renew gives the directory another id: what it held under the old one is not all
// there any more.
func (d *directory) renew() error {
	return d.write(func(i *identity) { i.id = model.NewUUID() })
}

// empty reports whether the node has not begun or joined a cluster yet.
func (d *directory) empty() (bool, error) {
	_, err := d.fs.Stat(filepath.Join(d.path, metadataLog))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// readBoot finds out whether the machine has been started since the last run that
// has registered.
func (d *directory) readBoot() error {
	text, err := vfs.ReadFile(d.fs, filepath.Join(d.path, bootFile), metaBytesMax)
	if err != nil {
		return ignoreNotExist(err) // no run has registered
	}
	d.rebooted = d.boot == "" || string(text) != d.boot
	return nil
}

// noteBoot notes the machine's start; this run has registered.
func (d *directory) noteBoot() error {
	path := filepath.Join(d.path, bootFile)
	if text, err := vfs.ReadFile(d.fs, path, metaBytesMax); err == nil && string(text) == d.boot {
		return nil
	}
	if err := vfs.WriteFileAtomically(d.fs, path, []byte(d.boot)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// bootID is Linux's name of this run of the machine, or "" elsewhere.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// markClean writes the clean-stop marker; everything else is durable by now.
func (d *directory) markClean() error {
	path := filepath.Join(d.path, cleanFile)
	if err := vfs.WriteFileAtomically(d.fs, path, nil); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
