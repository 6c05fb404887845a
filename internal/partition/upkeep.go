package partition

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// Upkeep says how often the logs are looked after.
type Upkeep struct {
	// RetentionInterval is the time between two looks for segments that have
	// outlived retention.ms or retention.bytes (log.retention.check.interval.ms).
	RetentionInterval time.Duration
	// Compaction is off where log.cleaner.enable is false.
	Compaction bool
	// CompactionBackoff is the rest after a look that found nothing to compact
	// (log.cleaner.backoff.ms).
	CompactionBackoff time.Duration
	// CompactionMapBytes bounds the memory for keys
	// (log.cleaner.dedupe.buffer.size).
	CompactionMapBytes int
}

// Run looks after the logs until ctx ends: one goroutine for retention, one for
// compaction, so that a long compaction does not let the disk run full, one that saves
// normal epochs, and one for each directory that logs move to.
func (s *Set) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.normals.run(ctx) })
	group.Go(func() error { s.retainLoop(ctx); return nil })
	for _, d := range s.directories {
		group.Go(func() error { s.moveLoop(ctx, d); return nil })
	}
	if s.options.Upkeep.Compaction {
		group.Go(func() error { s.compactLoop(ctx); return nil })
	}
	return group.Wait()
}

func (s *Set) retainLoop(ctx context.Context) {
	ticker := time.NewTicker(s.options.Upkeep.RetentionInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for p := range s.All() {
			if ctx.Err() != nil {
				return
			}
			p.retain(s, time.Now())
		}
	}
}

// retain removes segments that have outlived their time or size. Only below the
// high watermark: what is not committed yet is nobody's to delete.
func (p *Partition) retain(s *Set, now time.Time) {
	retained, err := p.log().Retain(model.TimestampOf(now), p.Offsets().HighWatermark)
	switch {
	case errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrFenced):
	case err != nil:
		s.logger.Warn("Retention of a log did not work; it is tried again later", "partition", p.name, "error", err)
	case retained.Segments > 0:
		s.logger.Info("Deleted old segments", "partition", p.name, "segments", retained.Segments,
			"bytes", retained.Bytes, "start", retained.StartOffset)
		p.startMoved()
	}
}

// compactLoop cleans the log that needs it most, again and again, and rests
// when none does. A node without compacted topics waits for one.
func (s *Set) compactLoop(ctx context.Context) {
	for ctx.Err() == nil {
		dirtiest, compacted := s.dirtiest(time.Now())
		if dirtiest != nil && dirtiest.compact(s, time.Now()) {
			continue
		}
		var rested <-chan time.Time
		if compacted {
			rested = time.After(s.options.Upkeep.CompactionBackoff)
		}
		select {
		case <-ctx.Done():
		case <-s.rescan:
		case <-rested:
		}
	}
}

// dirtiest is the log that most needs compaction, nil where none does, and
// whether there are compacted logs at all.
func (s *Set) dirtiest(now time.Time) (worst *Partition, compacted bool) {
	ratio := -1.0
	for p := range s.All() {
		values := p.values.Load()
		if !values.Compact {
			continue
		}
		compacted = true
		c, err := p.log().Cleanable(model.TimestampOf(now), p.Offsets().LastStable)
		if err != nil || c.DirtyBytes == 0 || c.Ratio < values.MinCleanableDirtyRatio && !c.MustClean {
			continue
		}
		if c.Ratio > ratio {
			worst, ratio = p, c.Ratio
		}
	}
	return worst, compacted
}

// compact makes one pass over the log, and reports whether that changed it.
func (p *Partition) compact(s *Set, now time.Time) bool {
	cleaned, err := p.log().Clean(storage.CleanOptions{
		Now: now, EndOffset: p.Offsets().LastStable, MapBytes: s.options.Upkeep.CompactionMapBytes,
	})
	switch {
	case errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrFenced):
		return false
	case err != nil:
		s.logger.Warn("Compaction of a log did not work; it is tried again later", "partition", p.name, "error", err)
		return false
	}
	s.logger.Debug("compacted a log", "partition", p.name, "bytes_read", cleaned.BytesRead,
		"bytes_written", cleaned.BytesWritten, "records_kept", cleaned.RecordsKept)
	return cleaned.SegmentsRead > 0
}
