package storage

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// remover removes files and directories some time after they were renamed away
// (file.delete.delay.ms), so that readers who were about to open them, and
// people who deleted the wrong topic, have a moment. What it has not got to
// when the process ends is found by its name: in a partition's directory by
// Open, in the data directory by the next Run.
type remover struct {
	wake chan struct{}
	mu   sync.Mutex
	due  []removal
}

type removal struct {
	path string
	at   time.Time
}

// later asks for a path to be removed.
func (r *remover) later(path string, delay time.Duration) {
	r.mu.Lock()
	r.due = append(r.due, removal{path, time.Now().Add(delay)})
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take removes and returns what is due, and tells when the next one is.
func (r *remover) take(now time.Time) (due []string, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keep := r.due[:0]
	for _, e := range r.due {
		switch {
		case !e.at.After(now):
			due = append(due, e.path)
			continue
		case next.IsZero() || e.at.Before(next):
			next = e.at
		}
		keep = append(keep, e)
	}
	clear(r.due[len(keep):])
	r.due = keep
	return due, next
}

// serve removes what falls due until ctx ends. It has a goroutine of its own:
// removing a large file can take a second, and nobody's sync should wait for it.
func (r *remover) serve(ctx context.Context, d *Disk) {
	r.findDeleted(d)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next := r.take(time.Now())
		for _, path := range due {
			if d.Err() != nil {
				break
			}
			if err := d.fs.RemoveAll(path); err != nil {
				d.logger.Warn("could not remove a deleted file; the next start tries again", "path", path, "err", err)
			}
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// findDeleted queues the directories of deleted partitions that an earlier
// process did not get to.
func (r *remover) findDeleted(d *Disk) {
	entries, err := d.fs.ReadDir(d.dir)
	if err != nil {
		d.logger.Warn("could not look for directories of deleted partitions", "dir", d.dir, "err", err)
		return
	}
	for _, e := range entries {
		if e.IsDir && strings.HasSuffix(e.Name, deletedDirSuffix) && strings.Contains(e.Name, ".") {
			r.later(filepath.Join(d.dir, e.Name), 0)
		}
	}
}
