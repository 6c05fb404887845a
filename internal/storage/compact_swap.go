package storage

import (
	"errors"
	"path/filepath"
	"sort"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// A cleaned segment takes the place of one or more others by Kafka's protocol:
//
//	1. write X.log.cleaned and its indexes, sync them
//	2. rename the indexes to X.*.swap, then X.log.cleaned to X.log.swap; sync the directory
//	3. rename the segments that it replaces to *.deleted, those after X first
//	4. rename X.*.swap to X.*; sync the directory
//	5. remove *.deleted after file.delete.delay.ms
//
// Crash points: in 1, or in 2 before the .log has its name, *.cleaned and any
// .swap without X.log.swap are removed and nothing has happened. From then on
// X.log.swap is whole and has everything that the segments it replaces had to
// keep: recovery removes every segment whose base is in [X, end of X.log.swap)
// and finishes 4. The cleaned segment always ends where the last of those did, if
// need be with an empty batch (groupEnd), so none of them survives in parts.

// finishSwaps does what is left of an interrupted cleaning, and tells how many
// files it renamed or removed.
func finishSwaps(fs vfs.FS, dir string, sizes map[string]int64) (changed int, err error) {
	var bases []model.Offset
	for name := range sizes {
		base, suffix, ok := parseName(name)
		if !ok {
			continue
		}
		_, isComplete := sizes[baseName(base)+logSuffix+swapSuffix]
		switch {
		case suffix == logSuffix+swapSuffix:
			bases = append(bases, base)
		case strings.HasSuffix(suffix, cleanedSuffix), strings.HasSuffix(suffix, swapSuffix) && !isComplete:
			if err := removeIfExists(fs, filepath.Join(dir, name)); err != nil {
				return changed, err
			}
			changed++
		}
	}
	sort.Slice(bases, func(i, j int) bool { return bases[i] < bases[j] })
	for _, base := range bases {
		n, err := finishSwap(fs, dir, base, sizes)
		changed += n
		if err != nil {
			return changed, err
		}
	}
	if changed == 0 {
		return 0, nil
	}
	return changed, fs.SyncDir(dir)
}

func finishSwap(fs vfs.FS, dir string, base model.Offset, sizes map[string]int64) (changed int, err error) {
	path := segmentPath(dir, base)
	end, err := swapEnd(fs, path+logSuffix+swapSuffix, base)
	if err != nil {
		return 0, err
	}
	for name := range sizes {
		o, suffix, ok := parseName(name)
		replaced := ok && (o == base || o > base && o < end)
		isSegmentFile := suffix == logSuffix || suffix == indexSuffix || suffix == timeSuffix || suffix == txnSuffix
		if !replaced || !isSegmentFile {
			continue
		}
		if err := removeIfExists(fs, filepath.Join(dir, name)); err != nil {
			return changed, err
		}
		changed++
	}
	for _, suffix := range []string{indexSuffix, timeSuffix, txnSuffix, logSuffix} {
		if _, ok := sizes[baseName(base)+suffix+swapSuffix]; !ok {
			continue
		}
		if err := fs.Rename(path+suffix+swapSuffix, path+suffix); err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

// swapEnd is the offset after the last batch of a whole segment file.
func swapEnd(fs vfs.FS, path string, base model.Offset) (end model.Offset, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	scan := fileScan{r: f, size: size, next: base, buf: make([]byte, checkWindow)}
	for {
		var b record.Batch
		if b, err = scan.batch(); err != nil {
			return 0, &CorruptError{Path: path, Position: scan.position, Offset: scan.next, Reason: err.Error()}
		}
		if b == nil {
			return scan.next, nil
		}
	}
}

// swap puts a cleaned segment in the place of a group, if the log still is what
// the pass began with.
func (p *cleanPass) swap(group []*segment, cleaned *segment) error {
	l := p.log
	l.write.Lock()
	defer l.write.Unlock()
	at, ok := l.findGroup(group)
	if !ok || l.closed {
		w := cleanWriter{log: l, s: cleaned}
		return errors.Join(errCleanStopped, w.discard())
	}
	if err := l.usable(); err != nil {
		return err
	}
	if err := l.nameSwap(cleaned); err != nil {
		return l.disk.fail("swap cleaned segment", err)
	}
	next := append([]*segment(nil), l.segments[:at]...)
	next = append(next, cleaned)
	next = append(next, l.segments[at+len(group):]...)

	l.mu.Lock() // over the renames: a reader sees the old files and segments, or the new ones
	l.generation++
	err := l.replaceFiles(group, cleaned)
	if err == nil {
		l.segments = next
	}
	l.mu.Unlock()
	if err == nil {
		err = l.fs.SyncDir(l.dir)
	}
	if err != nil {
		return l.disk.fail("swap cleaned segment", err)
	}
	cleaned.indexesSynced = true
	first := group[0].base
	bases := make(map[model.Offset]bool, len(group))
	for _, s := range group[1:] {
		bases[s.base] = true
	}
	if err := l.dropSnapshots(func(o model.Offset) bool { return o > first && bases[o] && len(l.write.snapshots) > 2 }); err != nil {
		return l.disk.fail("remove producer snapshots", err)
	}
	return nil
}

// findGroup is where the segments stand in the log now.
func (l *Log) findGroup(group []*segment) (int, bool) {
	for i, s := range l.segments[:max(0, len(l.segments)-len(group))] {
		if s != group[0] {
			continue
		}
		for n, other := range group {
			if l.segments[i+n] != other {
				return 0, false
			}
		}
		return i, true
	}
	return 0, false
}

// nameSwap is step 2: when the .log has its name, the cleaning has happened.
func (l *Log) nameSwap(s *segment) error {
	for _, suffix := range []string{indexSuffix, timeSuffix, txnSuffix, logSuffix} {
		err := l.fs.Rename(s.path+suffix+cleanedSuffix, s.path+suffix+swapSuffix)
		if err != nil && !(isNotExist(err) && suffix != logSuffix) {
			return err
		}
		l.disk.handles.forget(s.path + suffix + cleanedSuffix)
	}
	return l.fs.SyncDir(l.dir)
}

// replaceFiles is steps 3 and 4.
func (l *Log) replaceFiles(group []*segment, cleaned *segment) error {
	for n := len(group) - 1; n >= 0; n-- {
		if err := l.renameAway(group[n]); err != nil {
			return err
		}
	}
	for _, suffix := range []string{indexSuffix, timeSuffix, txnSuffix, logSuffix} {
		err := l.fs.Rename(cleaned.path+suffix+swapSuffix, cleaned.path+suffix)
		if err != nil && !(isNotExist(err) && suffix != logSuffix) {
			return err
		}
		l.disk.handles.forget(cleaned.path + suffix)
	}
	cleaned.offsets.path = cleaned.path + indexSuffix
	cleaned.times.path = cleaned.path + timeSuffix
	cleaned.aborted.path = cleaned.path + txnSuffix
	return nil
}
