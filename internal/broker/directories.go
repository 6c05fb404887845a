package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// directories are those of a node, all locked: the data directory, with the metadata log
// and what belongs to the node as a whole, and the log directories, which hold the
// partitions. The data directory may be one of these (docs/adr/0019).
//
// The data directory knows the ids of the others, so that none is begun anew because its
// disk is not mounted, and no old copy of one is taken for it.
type directories struct {
	data    *directory
	logs    []*directory // in the order of log.dirs
	node    model.NodeID
	logger  *slog.Logger
	givenUp int // log directories that are lost, as a person has said
}

const (
	dataSetting = "--data-dir"
	logsSetting = "--log-dirs"
)

// openDirectories locks a node's directories, makes those that do not exist, and refuses
// what may not be all of the node's, or not the node's.
//
// A node that is alone makes up its cluster's id; one of several learns it (joined).
func openDirectories(fsys vfs.FS, data string, logs []string, node model.NodeID, clustered bool, logger *slog.Logger) (d *directories, err error) {
	d = &directories{node: node, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.data, err = lockDirectory(fsys, data, "data", dataSetting); err != nil {
		return d, err
	}
	if err := d.checkData(); err != nil {
		return d, err
	}
	for _, path := range logs {
		if err := d.openLogDirectory(fsys, path); err != nil {
			return d, err
		}
	}
	if err := d.checkKnown(); err != nil {
		return d, err
	}
	if err := d.checkListed(); err != nil {
		return d, err
	}
	return d, d.begin(clustered)
}

func (d *directories) checkData() error {
	if err := d.data.readIdentity(d.node, dataSetting); err != nil {
		return err
	}
	d.data.boot = bootID()
	if d.data.identity().log {
		return fmt.Errorf("%s is a log directory of node %d: list it in %s, and give as %s the data directory that this node had", d.data.path, d.node, logsSetting, dataSetting)
	}
	if !d.data.fresh {
		return nil
	}
	if _, err := d.data.fs.Stat(filepath.Join(d.data.path, metadataLog)); err == nil {
		return fmt.Errorf("data directory %s holds data, and the %s that says whose is missing: put that back, or choose another --data-dir", d.data.path, metaFile)
	} else if err := ignoreNotExist(err); err != nil {
		return fmt.Errorf("look for %s in %s: %w", metadataLog, d.data.path, err)
	}
	return nil
}

// openLogDirectory locks a log directory, and finds out whose it is.
func (d *directories) openLogDirectory(fsys vfs.FS, path string) error {
	candidate := directory{path: path}
	if candidate.absolute() == d.data.absolute() {
		d.logs = append(d.logs, d.data)
		return nil
	}
	if _, err := fsys.Stat(path); errors.Is(err, fs.ErrNotExist) && slices.Contains(slices.Collect(maps.Values(d.data.identity().logs)), candidate.absolute()) {
		return fmt.Errorf("log directory %s is missing, and it has held partitions of this node: mount its disk, then start the node again; if the disk is lost, see %s", path, d.howToGiveUp(path))
	}
	l, err := lockDirectory(fsys, path, "log", logsSetting)
	if errors.Is(err, vfs.ErrLocked) {
		if twice := d.lockedHere(fsys, path); twice != "" {
			return fmt.Errorf("%s and %s are one directory by two names: list it once in %s", twice, path, logsSetting)
		}
	}
	if err != nil {
		return err
	}
	d.logs = append(d.logs, l)
	if err := l.readIdentity(d.node, logsSetting); err != nil {
		return err
	}
	return d.checkLogDirectory(l)
}

// lockedHere is the directory of this node that has the identity of the one at a path.
func (d *directories) lockedHere(fsys vfs.FS, path string) string {
	text, err := vfs.ReadFile(fsys, filepath.Join(path, metaFile), metaBytesMax)
	if err != nil {
		return ""
	}
	found, err := parseIdentity(text)
	if err != nil {
		return ""
	}
	for _, other := range d.all() {
		if other.id() == found.id {
			return other.path
		}
	}
	return ""
}

// checkLogDirectory refuses a log directory that is not this node's, or not as this node
// has left it.
func (d *directories) checkLogDirectory(l *directory) error {
	found, data := l.identity(), d.data.identity()
	held, err := l.holds()
	if err != nil {
		return err
	}
	_, known := data.logs[found.id]
	for _, other := range d.all() {
		if other != l && other.id() == found.id {
			return fmt.Errorf("log directory %s is a copy of %s (both have directory.id=%s): take it out of %s", l.path, other.path, found.id, logsSetting)
		}
	}
	switch {
	case l.fresh && held != "":
		return fmt.Errorf("log directory %s holds %s, and the %s that says whose is missing: put that back, or choose another %s", l.path, held, metaFile, logsSetting)
	case l.fresh:
		return nil
	case !found.log:
		return fmt.Errorf("log directory %s is the data directory of a node: choose another %s, or give it as %s", l.path, logsSetting, dataSetting)
	case d.data.fresh && held == "": // a first start that was cut short, perhaps
		return nil
	case d.data.fresh:
		return fmt.Errorf("log directory %s belongs to node %d already, and data directory %s is empty: mount its disk or correct %s; to begin anew, empty the log directories too", l.path, d.node, d.data.path, dataSetting)
	case found.cluster != "" && found.cluster != data.cluster:
		return fmt.Errorf("log directory %s belongs to cluster %s, and data directory %s to cluster %s: choose another %s", l.path, found.cluster, d.data.path, data.cluster, logsSetting)
	case !known && held != "":
		return fmt.Errorf("log directory %s holds %s, and is none that data directory %s knows: it may be an old copy; give the one that this node had, or empty it", l.path, held, d.data.path)
	}
	return nil
}

// holds is the name of a partition that is in the directory; "": there is none.
func (d *directory) holds() (string, error) {
	entries, err := d.fs.ReadDir(d.path)
	if err != nil {
		return "", fmt.Errorf("look into %s: %w", d.path, err)
	}
	for _, e := range entries {
		if _, ok := storage.ParsePartitionDir(e.Name); ok && e.IsDir && e.Name != metadataLog {
			return e.Name, nil
		}
	}
	return "", nil
}

// checkKnown: what the data directory knows of is there, or holds nothing any more, or a
// person has said that it is lost.
func (d *directories) checkKnown() error {
	data := d.data.identity()
	for id, path := range data.logs {
		at := slices.IndexFunc(d.logs, func(l *directory) bool { return l.id() == id })
		switch {
		case path == givenUp:
			d.givenUp++
			continue
		case at >= 0 && d.logs[at].absolute() != path:
			d.logger.Info("A log directory is at another path than before", "path", d.logs[at].absolute(), "before", path)
			continue
		case at >= 0:
			continue
		}
		if slices.ContainsFunc(d.logs, func(l *directory) bool { return l.absolute() == path }) {
			return fmt.Errorf("log directory %s is another than it was (directory.id=%s): mount the disk that was there, then start the node again; if that is lost, see %s", path, id, d.howToGiveUp(path))
		}
		if !d.retired(id, path) {
			return fmt.Errorf("log directory %s has held partitions of this node and is not listed: add it to %s; if its disk is lost, see %s", path, logsSetting, d.howToGiveUp(path))
		}
		d.logger.Info("A log directory without partitions is not listed any more", "path", path)
	}
	return nil
}

// howToGiveUp tells where a person writes that a log directory is lost.
func (d *directories) howToGiveUp(path string) string {
	path = (&directory{path: path}).absolute()
	for id, known := range d.data.identity().logs {
		if known == path {
			return fmt.Sprintf("the line %s%s in %s, and write %s for its path", logDirPrefix, id, filepath.Join(d.data.path, metaFile), givenUp)
		}
	}
	return filepath.Join(d.data.path, metaFile)
}

// retired reports whether a log directory is at its old path and holds nothing.
func (d *directories) retired(id model.DirectoryID, path string) bool {
	old := &directory{fs: d.data.fs, path: path}
	if err := old.readIdentity(d.node, logsSetting); err != nil || old.fresh || old.id() != id {
		return false
	}
	held, err := old.holds()
	return err == nil && held == ""
}

// checkListed: no partition is left behind in the data directory.
func (d *directories) checkListed() error {
	if slices.Contains(d.logs, d.data) {
		return nil
	}
	held, err := d.data.holds()
	if err == nil && held != "" {
		err = fmt.Errorf("data directory %s holds partitions (%s), and is not listed in %s: list it there too; move its partitions to the others before you take it out", d.data.path, held, logsSetting)
	}
	return err
}

// begin takes the clean-stop markers, and notes what is new: in a log directory first,
// so that what the data directory knows of is there.
//
// A crash in between leaves a log directory that the data directory does not know of, and
// that holds nothing: the next start takes it as it is.
func (d *directories) begin(clustered bool) error {
	clean := true
	for _, each := range d.all() {
		if err := each.takeMarker(); err != nil {
			return err
		}
		each.clean = each.clean || each.fresh && each != d.data
		clean = clean && each.clean
	}
	if d.data.fresh && !clustered {
		d.data.mu.identity.cluster = model.NewUUID().String()
	}
	known := make(map[model.DirectoryID]string)
	for _, l := range d.logs {
		if l == d.data {
			continue
		}
		known[l.id()] = l.absolute()
		if err := d.note(l); err != nil {
			return err
		}
	}
	if before := d.data.identity(); d.data.fresh || !maps.Equal(before.logs, known) {
		err := d.data.write(func(i *identity) {
			i.logs = known
			if d.givenUp > 0 && clustered {
				i.id = model.NewUUID() // its copies do not count before their leaders have seen to them
			}
		})
		if err != nil {
			return err
		}
	}
	if d.givenUp > 0 {
		d.logger.Warn("Log directories are given up, as "+metaFile+" says; what they held is copied anew from other nodes, and begins anew where there are none", "directories", d.givenUp)
	}
	if clean {
		return nil
	}
	return d.data.readBoot()
}

// note writes whose a log directory is, where that is not there yet.
func (d *directories) note(l *directory) error {
	cluster := d.data.clusterID()
	if !l.fresh && l.clusterID() == cluster {
		return nil
	}
	return l.write(func(i *identity) { i.cluster, i.log = cluster, true })
}

// all are the data directory and the log directories, each once.
func (d *directories) all() []*directory {
	var all []*directory
	if d.data != nil {
		all = append(all, d.data)
	}
	for _, l := range d.logs {
		if l != d.data {
			all = append(all, l)
		}
	}
	return all
}

// clean: the last process closed everything in order.
func (d *directories) clean() bool {
	return !slices.ContainsFunc(d.all(), func(each *directory) bool { return !each.clean })
}

// joined notes which cluster the directories belong to; "" is not known yet.
func (d *directories) joined(cluster string) error {
	switch known := d.data.clusterID(); {
	case cluster == "" || cluster == known:
		return nil
	case known != "":
		return fmt.Errorf("data directory %s belongs to cluster %s, and the other nodes are of cluster %s: choose another --data-dir, or correct --peers", d.data.path, known, cluster)
	}
	if err := d.data.write(func(i *identity) { i.cluster = cluster }); err != nil {
		return err
	}
	for _, l := range d.logs {
		if l == d.data {
			continue
		}
		if err := d.note(l); err != nil {
			return err
		}
	}
	return nil
}

// dropCondemned sets aside the copies that an earlier run has found damaged, and gives
// the data directory another id: they, and for want of anything better all the others, do
// not count until their leaders have seen to them. It returns their names.
//
// A crash after any step comes back here: the file goes last.
func (d *directories) dropCondemned() ([]string, error) {
	path := filepath.Join(d.data.path, condemnedFile)
	text, err := vfs.ReadFile(d.data.fs, path, condemnedBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err := d.data.renew(); err != nil {
		return nil, err
	}
	names := strings.Fields(string(text))
	for _, l := range d.logs {
		if err := l.setDamagedAside(names); err != nil {
			return nil, err
		}
	}
	if err := d.data.fs.Remove(path); err != nil {
		return nil, fmt.Errorf("remove %s: %w", path, err)
	}
	return names, d.data.fs.SyncDir(d.data.path)
}

// setDamagedAside renames those of some copies that are here.
func (d *directory) setDamagedAside(names []string) error {
	for _, name := range names {
		dir := filepath.Join(d.path, filepath.Base(name))
		if err := d.fs.Rename(dir, fmt.Sprintf("%s.%s-damaged", dir, model.NewUUID())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set the damaged %s aside: %w", dir, err)
		}
	}
	return d.fs.SyncDir(d.path)
}

// markClean writes the clean-stop markers, where not of all then of those that were closed
// in order before; everything else is durable by now.
func (d *directories) markClean(recovered bool) error {
	for _, each := range d.all() {
		if !recovered && !each.clean {
			continue
		}
		if err := each.markClean(); err != nil {
			return err
		}
	}
	return nil
}

func (d *directories) close() error {
	var errs []error
	for _, each := range d.all() {
		errs = append(errs, each.lock.Close())
	}
	return errors.Join(errs...)
}
