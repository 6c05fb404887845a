package storage

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// inspect checks batches before any lock is taken, since that may mean to
// decompress them. It returns the bytes to append, which are the given ones
// unless the topic has a codec of its own.
func (l *Log) inspect(batches []byte, c *Config, a Append) ([]byte, error) {
	if len(batches) == 0 {
		return nil, fmt.Errorf("no batch: %w", ErrInvalidBatch)
	}
	rules := rulesFor(c, a)
	recompressed := false
	var out []byte
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return nil, err
		}
		if len(b) > c.MaxMessageBytes {
			return nil, fmt.Errorf("batch of %d bytes, limit %d: %w", len(b), c.MaxMessageBytes, ErrMessageTooLarge)
		}
		if a.Origin == FromClient && b.BaseOffset() != 0 && len(rest) == len(batches) {
			return nil, fmt.Errorf("first batch says base offset %d, not 0: %w", b.BaseOffset(), ErrInvalidBatch)
		}
		summary, err := b.Inspect(rules)
		if err != nil {
			return nil, err
		}
		if err := checkControl(b); err != nil {
			return nil, err
		}
		if !c.LogAppendTime && summary.MaxTimestamp != b.MaxTimestamp() && !b.Attributes().Control() {
			b.SetMaxTimestamp(summary.MaxTimestamp)
		}
		stored, err := compress(b, c)
		if err != nil {
			return nil, err
		}
		if !recompressed && &stored[0] != &b[0] {
			recompressed = true
			out = append(out, batches[:len(batches)-len(rest)]...)
		}
		if recompressed {
			out = append(out, stored...)
		}
		rest = after
	}
	if !recompressed {
		out = batches
	}
	if int64(len(out)) > c.SegmentBytes {
		return nil, fmt.Errorf("%d bytes, segment.bytes is %d: %w", len(out), c.SegmentBytes, ErrRecordListTooLarge)
	}
	return out, nil
}

// compress stores a batch in the topic's codec, if it has one. Control batches
// stay as they are.
func compress(b record.Batch, c *Config) (record.Batch, error) {
	if !c.Compression.Recompress || b.Attributes().Control() {
		return b, nil
	}
	out, err := record.Recompress(b, c.Compression.Codec, c.Compression.Level, c.limits())
	if err != nil {
		return nil, err
	}
	if len(out) > c.MaxMessageBytes {
		return nil, fmt.Errorf("batch of %d bytes after compression, limit %d: %w", len(out), c.MaxMessageBytes, ErrMessageTooLarge)
	}
	return out, nil
}

func rulesFor(c *Config, a Append) record.Rules {
	r := record.Rules{Limits: c.limits()}
	if a.Origin != FromClient {
		r.AllowControl = true
		return r
	}
	r.RequireKeys = c.Compact
	if c.LogAppendTime || c.TimestampBeforeMax <= 0 && c.TimestampAfterMax <= 0 {
		return r
	}
	r.CheckTimestamps = true
	r.EarliestTimestamp = shift(a.Now, -c.TimestampBeforeMax, 0)
	r.LatestTimestamp = shift(a.Now, c.TimestampAfterMax, maxTimestamp)
	return r
}

const maxTimestamp = model.Timestamp(1<<63 - 1)

// shift moves t by d; unlimited is the answer where d is no limit.
func shift(t model.Timestamp, d time.Duration, unlimited model.Timestamp) model.Timestamp {
	if d == 0 || d == never || d == -never {
		return unlimited
	}
	return t + model.Timestamp(d/time.Millisecond)
}

// earlier is where the records of an append are that has been made before.
type earlier struct {
	base      model.Offset // NoOffset: no longer known
	end       model.Offset // they are below; exclusive
	timestamp model.Timestamp
}

// checkProducers holds the batches to their producers' state. The answer is not nil
// where the append has been made before.
func (l *Log) checkProducers(batches []byte, origin Origin) (*earlier, error) {
	table := l.write.producers
	b, rest, err := record.Split(batches)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 { // nearly always
		if b.ProducerID() == model.NoProducerID {
			return nil, nil
		}
		p, known := table.get(b.ProducerID())
		if !known {
			return nil, nil
		}
		return checkProducer(p, b, origin)
	}
	// Several batches: all or none. What one changes for the next is tried on
	// copies of the producers it concerns.
	trial := newProducerTable()
	for more := batches; len(more) > 0; more = rest {
		if b, rest, err = record.Split(more); err != nil {
			return nil, err
		}
		if b.ProducerID() == model.NoProducerID || b.Attributes().Control() {
			continue
		}
		p, tried := trial.get(b.ProducerID())
		if known, ok := table.get(b.ProducerID()); !tried && ok {
			clone := *known
			p = &clone
			trial.put(p)
		}
		if p != nil {
			if dup, err := checkProducer(p, b, origin); dup != nil || err != nil {
				return dup, err
			}
		}
		trial.addData(b)
	}
	return nil, nil
}

func checkProducer(p *producer, b record.Batch, origin Origin) (*earlier, error) {
	if b.Attributes().Control() {
		m, isMarker, err := markerOf(b)
		if err != nil {
			return nil, err
		}
		if isMarker && m.coordinatorEpoch < p.coordinatorEpoch {
			return nil, fmt.Errorf("marker of coordinator epoch %d after %d: %w", m.coordinatorEpoch, p.coordinatorEpoch, ErrCoordinatorFenced)
		}
		return nil, p.checkEpoch(b)
	}
	if origin == FromClient {
		if dup, ok := p.duplicate(b); ok {
			return &earlier{dup.baseOffset(), dup.lastOffset + 1, dup.timestamp}, nil
		}
		if p.repeated(b) {
			return &earlier{model.NoOffset, p.window[0].baseOffset(), model.NoTimestamp}, nil
		}
		if err := p.check(b); err != nil {
			return nil, err
		}
	} else if err := p.checkEpoch(b); err != nil {
		return nil, err
	}
	if p.txnFirst != model.NoOffset && !b.Attributes().Transactional() {
		return nil, fmt.Errorf("producer %d: %w", p.id, ErrInvalidTransactionState)
	}
	return nil, nil
}

// marker is the end of a transaction.
type marker struct {
	coordinatorEpoch int32
	abort            bool
}

// markerOf reads the end-transaction marker of a control batch; ok is false for
// control records of other kinds.
func markerOf(b record.Batch) (m marker, ok bool, err error) {
	r, err := b.Records(record.Limits{})
	if err != nil {
		return marker{}, false, err
	}
	defer r.Close()
	rec, more, err := r.Next()
	if err != nil || !more { // without a record: compacted away
		return marker{}, false, err
	}
	kind, coordinatorEpoch, err := record.ParseControl(rec)
	if err != nil || !kind.EndsTransaction() {
		return marker{}, false, err
	}
	return marker{coordinatorEpoch, kind == record.ControlAbort}, true, nil
}

// checkControl: a control batch can be read. After this, replay cannot fail.
func checkControl(b record.Batch) error {
	if !b.Attributes().Control() {
		return nil
	}
	_, _, err := markerOf(b)
	return err
}

// replay applies a batch that is in the log to the producers' state, when it is
// appended and again in recovery. The answer is a transaction that it aborted.
func replay(t *producerTable, b record.Batch) (aborted abortedTxn, ok bool) {
	switch {
	case b.ProducerID() == model.NoProducerID:
		return abortedTxn{}, false
	case !b.Attributes().Control():
		t.addData(b)
		return abortedTxn{}, false
	}
	m, isMarker, err := markerOf(b)
	if err != nil || !isMarker { // checkControl has let none through; older files may hold other kinds
		return abortedTxn{}, false
	}
	return t.addMarker(b, m)
}
