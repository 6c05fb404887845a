package storage

import (
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// clean returns what stays of a batch: the batch itself where nothing goes,
// another in its place, or nil. changed is false for the first.
func (p *cleanPass) clean(b record.Batch) (kept record.Batch, ended *abortedTxn, changed bool, err error) {
	if b.Attributes().Control() {
		return p.cleanMarker(b)
	}
	aborted := p.txns.data(b)
	p.done.RecordsRead += int64(b.Count())
	if b.Count() == 0 { // an earlier pass has left it for its producer's sake
		if p.lastOfProducer(b) {
			return b, nil, false, nil
		}
		return nil, nil, true, nil
	}
	f := filter{pass: p, batch: b, aborted: aborted}
	if err := f.decide(); err != nil {
		return nil, nil, false, err
	}
	p.done.RecordsKept += int64(f.keeps)
	horizon := p.horizonFor(b, f.tombstones)
	switch {
	case f.keeps == 0 && p.lastOfProducer(b):
		return b.WithoutRecords(), nil, true, nil
	case f.keeps == 0:
		return nil, nil, true, nil
	case f.keeps == int(b.Count()) && horizon == 0:
		return b, nil, false, nil
	}
	kept, err = f.rebuild(horizon)
	return kept, nil, true, err
}

// cleanMarker: a marker stays while its transaction has batches, while it is
// what is known of its producer, and for delete.retention.ms after both.
func (p *cleanPass) cleanMarker(b record.Batch) (kept record.Batch, ended *abortedTxn, changed bool, err error) {
	void, ended := p.txns.marker(b)
	passed := b.Attributes().DeleteHorizon() && b.BaseTimestamp() <= p.now
	switch {
	case void && passed && !p.lastOfProducer(b):
		return nil, ended, true, nil
	case void && passed:
		if b.Count() == 0 {
			return b, ended, false, nil
		}
		return b.WithoutRecords(), ended, true, nil
	}
	horizon := p.horizonFor(b, void)
	if horizon == 0 {
		return b, ended, false, nil
	}
	f := filter{pass: p, batch: b, all: true}
	if err := f.decide(); err != nil {
		return nil, nil, false, err
	}
	kept, err = f.rebuild(horizon)
	return kept, ended, true, err
}

// horizonFor is the time to put in the header until when a batch's tombstones
// stay; 0: none, or it is there already.
func (p *cleanPass) horizonFor(b record.Batch, needed bool) model.Timestamp {
	if !needed || b.Attributes().DeleteHorizon() {
		return 0
	}
	return p.now + model.Timestamp(p.config.DeleteRetention/time.Millisecond)
}

// lastOfProducer: nothing newer of the producer is in the log.
func (p *cleanPass) lastOfProducer(b record.Batch) bool {
	if b.ProducerID() == model.NoProducerID {
		return false
	}
	last, ok := p.lastOf[b.ProducerID()]
	if !ok {
		return false
	}
	if last.offset == model.NoOffset {
		return b.Attributes().Control() && b.ProducerEpoch() == last.epoch
	}
	return b.LastOffset() == last.offset
}

// filter decides which records of a batch stay.
type filter struct {
	pass       *cleanPass
	batch      record.Batch
	aborted    bool // none
	all        bool // every one
	keeps      int
	tombstones bool // there are some among those that stay
}

func (f *filter) keep(r record.Record) bool {
	m := f.pass.newest
	switch {
	case f.all:
		return true
	case f.aborted:
		return false
	case r.Offset >= m.end:
		return true // not looked at in this pass
	case r.Key == nil:
		return false // a compacted topic takes none; older ones cannot be kept for a key
	case m.superseded(r.Key, r.Offset):
		return false
	}
	b := f.batch
	return r.Value != nil || !b.Attributes().DeleteHorizon() || f.pass.now < b.BaseTimestamp()
}

func (f *filter) decide() error {
	return eachRecord(f.batch, f.pass.config.limits(), func(r record.Record) error {
		if f.keep(r) {
			f.keeps++
			f.tombstones = f.tombstones || r.Value == nil && !f.all && r.Offset < f.pass.newest.end
		}
		return nil
	})
}

// rebuild makes the batch anew with the records that stay. It keeps its range of
// offsets, and so of sequence numbers.
func (f *filter) rebuild(horizon model.Timestamp) (record.Batch, error) {
	o := record.OptionsOf(f.batch)
	if horizon > 0 {
		o.DeleteHorizon = horizon
	}
	if f.pass.builder == nil {
		f.pass.builder = record.NewBuilder(o)
	} else {
		f.pass.builder.Reset(o)
	}
	err := eachRecord(f.batch, f.pass.config.limits(), func(r record.Record) error {
		if f.keep(r) {
			f.pass.builder.AppendAt(r.Offset, r.Timestamp, r.Key, r.Value, r.Headers...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.pass.builder.SetLastOffset(f.batch.LastOffset())
	return f.pass.builder.Build(), nil
}
