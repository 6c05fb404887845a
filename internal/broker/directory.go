package broker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/magiconair/properties"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// Files of the data directory that belong to the node as a whole.
const (
	lockFile = ".lock"
	// metaFile tells whose directory this is, in Kafka's format with one name
	// more, which Kafka does not look at:
	//
	//	version=1
	//	software=chronik
	//	cluster.id=4L6g3nShT-eMCtK--X86sw
	//	node.id=1
	//	directory.id=0T2Lw2m4QpaI3uE9v8T1yQ
	//
	// A directory of Kafka's lacks it. Without that, chronik would begin a new
	// metadata log beside Kafka's partitions, or on top of Kafka's own.
	metaFile = "meta.properties"
	software = "chronik"
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

	metaBytesMax = 64 << 10
)

// directory is a data directory that this process has locked.
type directory struct {
	fs   vfs.FS
	path string
	lock io.Closer
	id   model.DirectoryID
	// clean: the last process closed everything in order.
	clean bool
	// rebooted: it did not, and the machine has been started since: what was not
	// synced is lost.
	rebooted bool
	boot     string // of the machine, "" where it does not say

	condemning sync.Mutex // held by condemn

	mu struct {
		sync.Mutex
		// cluster is the id of the cluster, which the first node of it makes up; "" where
		// the node has not heard of it yet.
		cluster string
	}
}

// openDirectory locks a data directory, makes it where it does not exist, and
// refuses one that belongs to another node.
//
// A node that is alone makes up its cluster's id; one of several learns it (joined).
func openDirectory(fsys vfs.FS, path string, node model.NodeID, clustered bool) (*directory, error) {
	if err := vfs.MkdirAllSynced(fsys, path); err != nil {
		return nil, fmt.Errorf("data directory %s (--data-dir, log.dirs) cannot be made: %w", path, err)
	}
	lock, err := fsys.Lock(filepath.Join(path, lockFile))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("data directory %s is in use by another process; stop that, or choose another with --data-dir", path)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory %s cannot be locked: %w", path, err)
	}
	d := &directory{fs: fsys, path: path, lock: lock, boot: bootID()}
	if err := d.prepare(node, clustered); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// prepare reads or writes who the directory belongs to, and takes the clean-stop
// marker away.
func (d *directory) prepare(node model.NodeID, clustered bool) error {
	err := d.readMeta(node)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := d.fs.Stat(filepath.Join(d.path, metadataLog)); err == nil {
			return fmt.Errorf("data directory %s holds data, and the %s that says whose is missing: put that back, or choose another --data-dir", d.path, metaFile)
		} else if err := ignoreNotExist(err); err != nil {
			return fmt.Errorf("look for %s in %s: %w", metadataLog, d.path, err)
		}
		d.id = model.NewUUID()
		if !clustered {
			d.mu.cluster = model.NewUUID().String()
		}
		err = d.writeMeta(node)
	}
	if err != nil {
		return err
	}
	marker := filepath.Join(d.path, cleanFile)
	if _, err := d.fs.Stat(marker); err != nil {
		if err := ignoreNotExist(err); err != nil {
			return err
		}
		return d.readBoot()
	}
	d.clean = true
	// Durable before the first write: a crash from here on is not a clean stop.
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

func (d *directory) readMeta(node model.NodeID) error {
	path := filepath.Join(d.path, metaFile)
	text, err := vfs.ReadFile(d.fs, path, metaBytesMax)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(text)
	if err != nil {
		return fmt.Errorf("%s is not a properties file: %w", path, err)
	}
	if version := p.GetString("version", ""); version != "1" {
		return fmt.Errorf("%s has version %q, this build reads 1; is %s another program's directory?", path, version, d.path)
	}
	if p.GetString("software", "") != software {
		return fmt.Errorf("data directory %s is not chronik's: %s has no software=%s; it may be Kafka's, which cannot be taken over: choose another --data-dir", d.path, metaFile, software)
	}
	if owner := p.GetString("node.id", ""); owner != strconv.Itoa(int(node)) {
		return fmt.Errorf("data directory %s belongs to node %s, and this node is %d: set --node-id %s, or choose another --data-dir", d.path, owner, node, owner)
	}
	d.mu.cluster = p.GetString("cluster.id", "")
	if d.id, err = model.ParseUUID(p.GetString("directory.id", "")); err != nil {
		return fmt.Errorf("%s: directory.id: %w", path, err)
	}
	return nil
}

func (d *directory) writeMeta(node model.NodeID) error {
	path := filepath.Join(d.path, metaFile)
	cluster := d.clusterID()
	if cluster != "" {
		cluster = "cluster.id=" + cluster + "\n"
	}
	text := fmt.Sprintf("version=1\nsoftware=%s\n%snode.id=%d\ndirectory.id=%s\n", software, cluster, node, d.id)
	if err := vfs.WriteFileAtomically(d.fs, path, []byte(text)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// clusterID is the id of the cluster that the directory belongs to; "" where it is not
// known yet.
func (d *directory) clusterID() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.cluster
}

// joined notes which cluster the directory belongs to; "" is not known yet.
func (d *directory) joined(node model.NodeID, cluster string) error {
	switch known := d.clusterID(); {
	case cluster == "" || cluster == known:
		return nil
	case known != "":
		return fmt.Errorf("data directory %s belongs to cluster %s, and the other nodes are of cluster %s: choose another --data-dir, or correct --peers", d.path, known, cluster)
	}
	d.mu.Lock()
	d.mu.cluster = cluster
	d.mu.Unlock()
	return d.writeMeta(node)
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

// dropCondemned sets aside the copies that an earlier run has found damaged, and gives
// the directory another id: they, and for want of anything better all the others, do
// not count until their leaders have seen to them. It returns their names.
//
// A crash after any step comes back here: the file goes last.
func (d *directory) dropCondemned(node model.NodeID) ([]string, error) {
	path := filepath.Join(d.path, condemnedFile)
	text, err := vfs.ReadFile(d.fs, path, condemnedBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := d.renew(node); err != nil {
		return nil, err
	}
	names := strings.Fields(string(text))
	for _, name := range names {
		dir := filepath.Join(d.path, filepath.Base(name))
		if err := d.fs.Rename(dir, fmt.Sprintf("%s.%s-damaged", dir, model.NewUUID())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("set the damaged %s aside: %w", dir, err)
		}
	}
	if err := d.fs.SyncDir(d.path); err != nil {
		return nil, err
	}
	if err := d.fs.Remove(path); err != nil {
		return nil, fmt.Errorf("remove %s: %w", path, err)
	}
	return names, d.fs.SyncDir(d.path)
}

// renew gives the directory another id: what it held under the old one is not all
// there any more.
func (d *directory) renew(node model.NodeID) error {
	d.id = model.NewUUID()
	return d.writeMeta(node)
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

func (d *directory) close() error { return d.lock.Close() }
