package storage

import (
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/record"
)

// windowBatches is how many batches of a producer are remembered, so that any
// of them sent again is answered with its first offset. Clients have at most
// five in flight (KIP-98).
const windowBatches = 5

// sentBatch is a batch that a producer has in the log.
type sentBatch struct {
	lastSequence model.Sequence
	offsetDelta  int32 // records less one
	lastOffset   model.Offset
	timestamp    model.Timestamp
}

func (s sentBatch) baseOffset() model.Offset { return s.lastOffset - model.Offset(s.offsetDelta) }

// baseSequence goes back from the last one, around zero where the producer did.
func (s sentBatch) baseSequence() model.Sequence {
	if n := int64(s.lastSequence) - int64(s.offsetDelta); n >= 0 {
		return model.Sequence(n)
	} else {
		return model.Sequence(n + math.MaxInt32 + 1)
	}
}

// producer is what the log knows of one idempotent or transactional producer.
type producer struct {
	id               model.ProducerID
	epoch            model.ProducerEpoch
	coordinatorEpoch int32           // of the last end marker; -1: none
	lastTimestamp    model.Timestamp // of the last batch or marker
	txnFirst         model.Offset    // of its open transaction; NoOffset: none
	window           [windowBatches]sentBatch
	sent             int // entries of window in use, oldest first
	// unbroken is how many records, up to the last, are known to be in the log one
	// after another: at most unbrokenMax, and from the window on where that was read
	// from a snapshot.
	unbroken int64
}

// unbrokenMax is half of the sequences, so that old ones are told from ones to come.
const unbrokenMax = 1 << 30

func newProducer(id model.ProducerID) *producer {
	return &producer{id: id, epoch: model.NoProducerEpoch, coordinatorEpoch: -1,
		lastTimestamp: model.NoTimestamp, txnFirst: model.NoOffset}
}

func (p *producer) lastSequence() model.Sequence {
	if p.sent == 0 {
		return model.NoSequence
	}
	return p.window[p.sent-1].lastSequence
}

// duplicate finds the batch among the last five.
func (p *producer) duplicate(b record.Batch) (sentBatch, bool) {
	if b.ProducerEpoch() != p.epoch {
		return sentBatch{}, false
	}
	for _, s := range p.window[:p.sent] {
		if s.lastSequence == b.LastSequence() && s.baseSequence() == b.BaseSequence() {
			return s, true
		}
	}
	return sentBatch{}, false
}

// repeated is a batch of which every record is in the log, in the window or before it,
// where its offset is no longer known. A leader that is cut off may have had it
// replicated; its producer goes on with the next leader, and sends what the first has not
// answered again when its timeout is over, many batches later. Out of order, as Kafka
// calls it, the Java client would send it until its delivery.timeout.ms.
func (p *producer) repeated(b record.Batch) bool {
	if b.ProducerEpoch() != p.epoch || p.sent == 0 {
		return false
	}
	ago := (int64(p.lastSequence()) - int64(b.LastSequence())) & math.MaxInt32
	return ago+int64(b.LastOffsetDelta())+1 <= p.unbroken
}

// check holds a client's batch to the producer's epoch and sequence, by Kafka's
// rules: a producer that is not known, or whose records have all gone, may go
// on with any sequence (KIP-360); a new epoch begins with 0.
func (p *producer) check(b record.Batch) error {
	epoch, first := b.ProducerEpoch(), b.BaseSequence()
	if err := p.checkEpoch(b); err != nil {
		return err
	}
	switch {
	case p.epoch == model.NoProducerEpoch:
		return nil
	case epoch > p.epoch:
		if first != 0 {
			return fmt.Errorf("producer %d starts epoch %d at sequence %d: %w", p.id, epoch, first, ErrOutOfOrderSequence)
		}
		return nil
	}
	last := p.lastSequence()
	if first == nextSequence(last) {
		return nil
	}
	return fmt.Errorf("producer %d sent sequence %d after %d: %w", p.id, first, last, ErrOutOfOrderSequence)
}

// nextSequence is the one after s: they go round.
func nextSequence(s model.Sequence) model.Sequence {
	if s == math.MaxInt32 {
		return 0
	}
	return s + 1
}

func (p *producer) checkEpoch(b record.Batch) error {
	if b.ProducerEpoch() < p.epoch {
		return fmt.Errorf("producer %d has epoch %d and sent with %d: %w", p.id, p.epoch, b.ProducerEpoch(), ErrProducerFenced)
	}
	return nil
}

// setEpoch: sequences begin anew with an epoch, so the window of the old is void.
func (p *producer) setEpoch(epoch model.ProducerEpoch) {
	if epoch != p.epoch {
		p.epoch, p.sent, p.unbroken = epoch, 0, 0
	}
}

// remember adds a batch to the window.
func (p *producer) remember(epoch model.ProducerEpoch, s sentBatch) {
	p.setEpoch(epoch)
	if p.sent == 0 || s.baseSequence() != nextSequence(p.lastSequence()) {
		p.unbroken = 0
	}
	if plant.On(plant.SequenceWindowOfOne) {
		p.sent, p.unbroken = 0, 0
	}
	p.unbroken = min(p.unbroken+int64(s.offsetDelta)+1, unbrokenMax)
	if p.sent == windowBatches {
		copy(p.window[:], p.window[1:])
		p.sent--
	}
	p.window[p.sent] = s
	p.sent++
	p.lastTimestamp = s.timestamp
}

// expired: silent for longer than producer.id.expiration.ms, with no
// transaction open.
func (p *producer) expired(now model.Timestamp, after time.Duration) bool {
	return p.txnFirst == model.NoOffset && now.Time().Sub(p.lastTimestamp.Time()) >= after
}

// openTxn is a transaction without an end marker.
type openTxn struct {
	first    model.Offset
	producer model.ProducerID
}

// endedTxn is one whose end marker may still lie above the high watermark.
type endedTxn struct{ first, last model.Offset }

// producerTable is the state of all producers of a log as of its end. It is
// pure: it knows no file and no clock. Log.write guards it.
type producerTable struct {
	byID  map[model.ProducerID]*producer
	open  []openTxn  // by first offset
	ended []endedTxn // by last offset
}

func newProducerTable() *producerTable {
	return &producerTable{}
}

// get is a producer's state, which must not be changed.
func (t *producerTable) get(id model.ProducerID) (*producer, bool) {
	p, ok := t.byID[id]
	return p, ok
}

func (t *producerTable) put(p *producer) {
	if t.byID == nil { // most partitions never see an idempotent producer
		t.byID = make(map[model.ProducerID]*producer)
	}
	t.byID[p.id] = p
}

func (t *producerTable) at(id model.ProducerID) *producer {
	if p, ok := t.byID[id]; ok {
		return p
	}
	p := newProducer(id)
	t.put(p)
	return p
}

// addData takes a data batch that is in the log.
func (t *producerTable) addData(b record.Batch) {
	if b.ProducerID() == model.NoProducerID {
		return
	}
	p := t.at(b.ProducerID())
	p.remember(b.ProducerEpoch(), sentBatch{
		lastSequence: b.LastSequence(), offsetDelta: b.LastOffsetDelta(),
		lastOffset: b.LastOffset(), timestamp: b.MaxTimestamp(),
	})
	if b.Attributes().Transactional() && p.txnFirst == model.NoOffset {
		p.txnFirst = b.BaseOffset()
		t.open = append(t.open, openTxn{p.txnFirst, p.id})
	}
}

// addMarker takes an end-transaction marker that is in the log. Where it ended
// a transaction that was aborted, that is returned.
func (t *producerTable) addMarker(b record.Batch, m marker) (aborted abortedTxn, ok bool) {
	p := t.at(b.ProducerID())
	p.setEpoch(b.ProducerEpoch())
	p.coordinatorEpoch, p.lastTimestamp = m.coordinatorEpoch, b.MaxTimestamp()
	first := p.txnFirst
	if first == model.NoOffset {
		return abortedTxn{}, false
	}
	p.txnFirst = model.NoOffset
	for i, o := range t.open {
		if o.first == first {
			t.open = append(t.open[:i], t.open[i+1:]...)
			break
		}
	}
	t.ended = append(t.ended, endedTxn{first, b.LastOffset()})
	stable := b.NextOffset()
	if len(t.open) > 0 {
		stable = t.open[0].first
	}
	return abortedTxn{p.id, first, b.LastOffset(), stable}, m.abort
}

// firstUnstable is where the oldest open transaction begins.
func (t *producerTable) firstUnstable() (model.Offset, bool) {
	if len(t.open) == 0 {
		return model.NoOffset, false
	}
	return t.open[0].first, true
}

// lastStable is the offset up to which every transaction is decided, and the
// decision is below the high watermark. It forgets ended transactions that the
// high watermark has passed.
func (t *producerTable) lastStable(highWatermark model.Offset) model.Offset {
	done := 0
	for done < len(t.ended) && t.ended[done].last < highWatermark {
		done++
	}
	if done > 0 {
		t.ended = append(t.ended[:0], t.ended[done:]...)
	}
	stable := highWatermark
	if len(t.open) > 0 {
		stable = min(stable, t.open[0].first)
	}
	for _, e := range t.ended {
		stable = min(stable, e.first)
	}
	return stable
}

// startAt forgets transactions that ended below the log's new start.
func (t *producerTable) startAt(start model.Offset) {
	keep := t.ended[:0]
	for _, e := range t.ended {
		if e.last >= start {
			keep = append(keep, e)
		}
	}
	t.ended = keep
}

// expire forgets producers that have been silent for too long.
func (t *producerTable) expire(now model.Timestamp, after time.Duration) {
	for id, p := range t.byID {
		if p.expired(now, after) {
			delete(t.byID, id)
		}
	}
}

// describe lists the producers by id.
func (t *producerTable) describe() []ProducerState {
	list := make([]ProducerState, 0, len(t.byID))
	for _, p := range t.byID {
		list = append(list, ProducerState{
			ProducerID: p.id, ProducerEpoch: p.epoch, LastSequence: p.lastSequence(),
			LastTimestamp: p.lastTimestamp, CoordinatorEpoch: p.coordinatorEpoch, TxnStartOffset: p.txnFirst,
		})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ProducerID < list[j].ProducerID })
	return list
}
