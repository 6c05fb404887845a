package limits

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/vfs"
)

// writer writes blocks to a file, each followed by a sync. It belongs to one goroutine.
type writer struct {
	file  vfs.File
	block []byte
	end   int64 // of the file, bytes
	took  []time.Duration
	busy  time.Duration // sum of took
}

// run writes for some time; zeroed: over zeros that are on the disk already, which leaves
// the file system nothing to note of its own.
func (w *writer) run(ctx context.Context, long time.Duration, zeroed bool) error {
	if err := w.begin(zeroed); err != nil {
		return err
	}
	for at := int64(0); len(w.took) == 0 || w.busy < long; at += int64(len(w.block)) {
		if at+int64(len(w.block)) > w.end {
			at = 0
			if !zeroed {
				if err := w.begin(false); err != nil {
					return err
				}
			}
		}
		began := time.Now()
		_, err := w.file.WriteAt(w.block, at)
		if err := errors.Join(err, w.file.SyncData(), ctx.Err()); err != nil {
			return err
		}
		w.took = append(w.took, time.Since(began))
		w.busy += w.took[len(w.took)-1]
	}
	return nil
}

// begin makes the file empty, or all zeros, and lets the disk come to rest.
func (w *writer) begin(zeroed bool) error {
	if err := w.file.Truncate(0); err != nil {
		return err
	}
	if zeroed {
		zeros := make([]byte, appendBytes)
		for at := int64(0); at < w.end; at += appendBytes {
			if _, err := w.file.WriteAt(zeros, at); err != nil {
				return err
			}
		}
	}
	return w.file.Sync()
}

// together adds up what writers did at the same time.
func together(writers []writer) Syncs {
	var s Syncs
	var took []time.Duration
	for _, w := range writers {
		perSecond := float64(len(w.took)) / w.busy.Seconds()
		s.PerSecond += perSecond
		s.MBPerSecond += perSecond * float64(len(w.block)) / 1e6
		took = slices.Concat(took, w.took)
	}
	s.Latency = latency(took)
	return s
}
