package quorum

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// storeOptions say where a store is.
type storeOptions struct {
	fs     vfs.FS
	disk   *storage.Disk
	dir    string // the data directory
	clean  bool
	voters []model.NodeID // as in Bootstrap
	logger *slog.Logger
}

// openStore opens what is in the directory, or makes the beginning of a new
// cluster there. It returns the newest snapshot's image with it.
func openStore(o storeOptions) (s *store, image *meta.Image, err error) {
	dir := logDir(o.dir)
	if err := o.fs.MkdirAll(dir); err != nil {
		return nil, nil, fmt.Errorf("make %s: %w", dir, err)
	}
	if err := o.fs.SyncDir(o.dir); err != nil {
		return nil, nil, fmt.Errorf("sync %s: %w", o.dir, err)
	}
	if err := removeUnfinished(o.fs, dir); err != nil {
		return nil, nil, err
	}
	log, err := openLog(o.fs, o.disk, o.dir, o.logger, o.clean)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = log.log.Close() // the first error tells
		}
	}()
	s = &store{fs: o.fs, dir: dir, log: log}
	if s.state, err = readState(o.fs, dir); err != nil {
		return nil, nil, err
	}
	snap, err := s.newestSnapshot(o.voters)
	if err != nil {
		return nil, nil, err
	}
	if image, err = meta.DecodeSnapshot(snap.data); err != nil {
		return nil, nil, &CorruptError{Path: filepath.Join(dir, snapshotName(snap.index, snap.term)), Reason: err.Error()}
	}
	if err := s.reconcile(snap); err != nil {
		return nil, nil, err
	}
	return s, image, nil
}

// removeUnfinished removes snapshots that a crash has left half written.
func removeUnfinished(fs vfs.FS, dir string) error {
	infos, err := fs.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	for _, info := range infos {
		name, unfinished := strings.CutSuffix(info.Name, ".tmp") // of vfs.WriteFileAtomically
		if _, ok := snapshotIndex(name); !ok || !unfinished {
			continue
		}
		if err := fs.Remove(filepath.Join(dir, info.Name)); err != nil {
			return fmt.Errorf("remove an unfinished metadata snapshot: %w", err)
		}
	}
	return nil
}

// newestSnapshot reads the newest snapshot, or makes the first.
func (s *store) newestSnapshot(voters []model.NodeID) (*snapshot, error) {
	names, err := listSnapshots(s.fs, s.dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return s.bootstrap(voters)
	}
	return readSnapshot(s.fs, filepath.Join(s.dir, names[len(names)-1]))
}

// bootstrap makes what a store begins with. The snapshot is its last step; a
// crash before that, and it is done again.
func (s *store) bootstrap(voters []model.NodeID) (*snapshot, error) {
	if s.state.GetTerm() > bootstrapTerm || s.log.end() > bootstrapIndex+1 {
		return nil, &CorruptError{Path: s.dir, Reason: "it has a log, but no snapshot before it"}
	}
	state, snap := Bootstrap(voters)
	if err := s.log.startOver(snap.GetMetadata().GetIndex() + 1); err != nil {
		return nil, err
	}
	if err := s.SaveState(state); err != nil {
		return nil, err
	}
	return snapshotOf(snap), s.SaveSnapshot(snap)
}

// reconcile brings log and state in line with the snapshot, from wherever a
// crash has left them.
func (s *store) reconcile(snap *snapshot) error {
	if s.state == nil {
		return &CorruptError{Path: filepath.Join(s.dir, stateFile), Reason: "it is missing, while there is a snapshot"}
	}
	s.noteSnapshot(snap)
	s.base, s.baseTerm = snap.index, snap.term
	start, end := s.log.start(), s.log.end()
	follows := start == snap.index+1
	if start <= snap.index && snap.index < end {
		term, err := s.log.term(snap.index)
		if err != nil {
			return err
		}
		follows = term == snap.term
	}
	switch {
	case start > snap.index+1:
		return &CorruptError{Path: s.dir, Reason: fmt.Sprintf("the log begins at %d, and the newest snapshot ends at %d", start, snap.index)}
	case !follows:
		if err := s.log.startOver(snap.index + 1); err != nil {
			return err
		}
	}
	// The hint: at least the snapshot, at most what is there.
	commit := min(max(s.state.GetCommit(), snap.index), s.lastIndex())
	s.state = hardState(max(s.state.GetTerm(), snap.term), s.state.GetVote(), commit)
	return s.removeOldSnapshots()
}
