package coordinator

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// loadReportInterval is how often a load that takes long says how far it is.
const loadReportInterval = 2 * time.Second

// load reads the whole log into a new machine, and makes the shard active.
func (s *shard[M]) load() error {
	began := time.Now()
	log, err := s.open()
	if err != nil {
		return fmt.Errorf("open partition %d: %w", s.partition, err)
	}
	l := loader[M]{shard: s, machine: s.newM(), open: make(map[model.ProducerID][]Record)}
	start, end := log.Bounds()
	reported := began
	for at := start; at < end; {
		if s.resigned() {
			return ErrNotLeader
		}
		batches, err := log.Read(at)
		if err != nil {
			return fmt.Errorf("read partition %d at %d: %w", s.partition, at, err)
		}
		next, err := l.replay(batches)
		if err != nil {
			return fmt.Errorf("load partition %d at %d: %w", s.partition, at, err)
		}
		if next <= at {
			return fmt.Errorf("load partition %d at %d: the log ends before %d", s.partition, at, end)
		}
		at = next
		if time.Since(reported) >= loadReportInterval {
			reported = time.Now()
			s.logger.Info("coordinator loading", "partition", s.partition, "offset", at, "end", end)
		}
	}
	if len(l.open) > 0 {
		// Nobody will ever end them: no transaction spans a load yet.
		s.logger.Warn("coordinator dropped transactions without an end", "partition", s.partition, "producers", len(l.open))
	}
	s.logger.Debug("coordinator loaded", "partition", s.partition, "epoch", s.epoch, "records", l.records, "took", time.Since(began))

	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.machine, s.mu.log, s.mu.written = l.machine, log, end
	s.mu.life, s.mu.armed = make(chan struct{}), time.Time{}
	s.becomeLocked(Active)
	now := time.Now()
	s.applyLocked(l.machine.Loaded(now), now)
	return nil
}

// loader replays batches into a machine that nobody else sees yet.
type loader[M Machine] struct {
	shard   *shard[M]
	machine M
	records int
	// open are records of transactions that have not ended (KIP-98). At most
	// what the log holds of them.
	open map[model.ProducerID][]Record
}

func (l *loader[M]) replay(batches []byte) (next model.Offset, err error) {
	for rest := batches; len(rest) > 0; {
		var b record.Batch
		if b, rest, err = record.Split(rest); err != nil {
			return next, err
		}
		if err := l.replayBatch(b); err != nil {
			return next, err
		}
		next = b.NextOffset()
	}
	return next, nil
}

func (l *loader[M]) replayBatch(b record.Batch) error {
	reader, err := b.Records(l.shard.limits)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		r, ok, err := reader.Next()
		if err != nil || !ok {
			return err
		}
		switch own := (Record{Key: r.Key, Value: r.Value}); {
		case b.Attributes().Control():
			if err := l.end(b.ProducerID(), r); err != nil {
				return err
			}
		case b.Attributes().Transactional():
			own.Key, own.Value = clone(r.Key), clone(r.Value)
			l.open[b.ProducerID()] = append(l.open[b.ProducerID()], own)
		default:
			l.apply(own, r.Offset)
		}
	}
}

// end replays or drops what a transaction has written.
func (l *loader[M]) end(producer model.ProducerID, r record.Record) error {
	kind, _, err := record.ParseControl(r)
	if err != nil {
		return err
	}
	if kind == record.ControlCommit {
		for _, own := range l.open[producer] {
			l.apply(own, r.Offset)
		}
	}
	if kind.EndsTransaction() {
		delete(l.open, producer)
	}
	return nil
}

// apply replays one record. One that makes no sense is passed over: the others
// in its partition, of hundreds of keys, are worth more than to stop at it.
func (l *loader[M]) apply(r Record, at model.Offset) {
	l.records++
	if err := l.machine.Replay(r); err != nil {
		l.shard.logger.Error("coordinator passed over a record that it cannot read", "partition", l.shard.partition, "offset", at, "error", err)
	}
}

// clone keeps nil nil: it is what a tombstone is.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
