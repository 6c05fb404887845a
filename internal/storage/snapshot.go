package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// A producer snapshot is the producers' state as it was before the offset that
// the file is named after; Kafka's format, version 1, big-endian:
//
//	0       2           6           10
//	┌───────┬───────────┬───────────┬─ ─ ─ ─ ─ ─ ─ ─ ─┐
//	│   1   │  CRC-32C  │ entries n │ n × 46 bytes    │    the CRC covers what follows it
//	└───────┴───────────┴───────────┴─ ─ ─ ─ ─ ─ ─ ─ ─┘
//
//	0          8     10         14         22      26         34      38         46
//	┌──────────┬─────┬──────────┬──────────┬───────┬──────────┬───────┬──────────┐
//	│producer  │epoch│last seq. │last offs.│ delta │timestamp │coord. │txn first │
//	└──────────┴─────┴──────────┴──────────┴───────┴──────────┴───────┴──────────┘
//
// Kafka writes one entry a producer, its last batch. Here a producer has one
// for each batch of its window, oldest first, so that after a restart any of
// the last five sent again is still known. Kafka's reader takes the entries in
// order and keeps the last of each producer, which is the one it would have
// written. A producer without a batch in its window has -1 for sequence and
// offset.
const (
	snapshotVersion    = 1
	snapshotHeaderSize = 10
	snapshotEntrySize  = 46
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeSnapshot(t *producerTable) []byte {
	ids := make([]model.ProducerID, 0, len(t.byID))
	for id := range t.byID {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	out := make([]byte, snapshotHeaderSize, snapshotHeaderSize+len(ids)*snapshotEntrySize)
	n := 0
	for _, id := range ids {
		p := t.byID[id]
		for _, s := range p.window[:p.sent] {
			out = appendSnapshotEntry(out, p, s)
		}
		if p.sent == 0 {
			out = appendSnapshotEntry(out, p, sentBatch{model.NoSequence, 0, model.NoOffset, p.lastTimestamp})
		}
		n += max(1, p.sent)
	}
	binary.BigEndian.PutUint16(out[0:], snapshotVersion)
	binary.BigEndian.PutUint32(out[6:], uint32(n))
	binary.BigEndian.PutUint32(out[2:], crc32.Checksum(out[6:], castagnoli))
	return out
}

func appendSnapshotEntry(out []byte, p *producer, s sentBatch) []byte {
	be := binary.BigEndian
	out = be.AppendUint64(out, uint64(p.id))
	out = be.AppendUint16(out, uint16(p.epoch))
	out = be.AppendUint32(out, uint32(s.lastSequence))
	out = be.AppendUint64(out, uint64(s.lastOffset))
	out = be.AppendUint32(out, uint32(s.offsetDelta))
	out = be.AppendUint64(out, uint64(s.timestamp))
	out = be.AppendUint32(out, uint32(p.coordinatorEpoch))
	return be.AppendUint64(out, uint64(p.txnFirst))
}

func decodeSnapshot(data []byte) (*producerTable, error) {
	if len(data) < snapshotHeaderSize {
		return nil, errors.New("snapshot is shorter than its header")
	}
	be := binary.BigEndian
	if v := be.Uint16(data); v != snapshotVersion {
		return nil, fmt.Errorf("snapshot of version %d", v)
	}
	if got, want := crc32.Checksum(data[6:], castagnoli), be.Uint32(data[2:]); got != want {
		return nil, fmt.Errorf("snapshot has CRC %08x, says %08x", got, want)
	}
	n := int64(be.Uint32(data[6:]))
	if int64(len(data)-snapshotHeaderSize) != n*snapshotEntrySize {
		return nil, fmt.Errorf("snapshot says %d entries and has %d bytes", n, len(data))
	}
	t := newProducerTable()
	for e := data[snapshotHeaderSize:]; len(e) > 0; e = e[snapshotEntrySize:] {
		p := t.at(model.ProducerID(be.Uint64(e)))
		s := sentBatch{
			lastSequence: model.Sequence(be.Uint32(e[10:])),
			lastOffset:   model.Offset(be.Uint64(e[14:])),
			offsetDelta:  int32(be.Uint32(e[22:])),
			timestamp:    model.Timestamp(be.Uint64(e[26:])),
		}
		epoch := model.ProducerEpoch(be.Uint16(e[8:]))
		if s.lastOffset >= 0 && s.offsetDelta >= 0 {
			p.remember(epoch, s)
		} else {
			p.setEpoch(epoch)
		}
		p.lastTimestamp = s.timestamp
		p.coordinatorEpoch = int32(be.Uint32(e[34:]))
		p.txnFirst = model.Offset(be.Uint64(e[38:]))
	}
	for _, p := range t.byID {
		if p.txnFirst >= 0 {
			t.open = append(t.open, openTxn{p.txnFirst, p.id})
		} else {
			p.txnFirst = model.NoOffset
		}
	}
	sort.Slice(t.open, func(i, j int) bool { return t.open[i].first < t.open[j].first })
	return t, nil
}

func (l *Log) snapshotPath(at model.Offset) string { return segmentPath(l.dir, at) + snapshotSuffix }

// writeSnapshot writes the producers' state as of the log's end, at. Where it
// need not be durable yet, a torn one is told by its CRC.
func (l *Log) writeSnapshot(at model.Offset, durable bool) error {
	data := encodeSnapshot(l.write.producers)
	if durable {
		if err := vfs.WriteFileAtomically(l.fs, l.snapshotPath(at), data); err != nil {
			return err
		}
	} else if err := l.writeSnapshotUnsynced(at, data); err != nil {
		return err
	}
	if n := len(l.write.snapshots); n == 0 || l.write.snapshots[n-1] < at {
		l.write.snapshots = append(l.write.snapshots, at)
	}
	return l.dropStraySnapshots()
}

func (l *Log) writeSnapshotUnsynced(at model.Offset, data []byte) (err error) {
	f, err := l.fs.Create(l.snapshotPath(at))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteAt(data, 0)
	return err
}

// syncSnapshot makes the snapshot at an offset durable, if there is one. The
// directory is the caller's to sync.
func (l *Log) syncSnapshot(at model.Offset) (err error) {
	if !slices.Contains(l.write.snapshots, at) {
		return nil
	}
	f, err := l.fs.OpenReadWrite(l.snapshotPath(at))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.SyncData()
}

// dropStraySnapshots keeps the snapshot of each segment's base, which a
// truncation may need, and the newest two of all: should the newest be torn,
// the one before it is there.
func (l *Log) dropStraySnapshots() error {
	list := l.write.snapshots
	keep := list[:0]
	for i, at := range list {
		s := l.segments[segmentFor(l.segments, at)]
		if s.base == at || i >= len(list)-2 {
			keep = append(keep, at)
			continue
		}
		if err := removeIfExists(l.fs, l.snapshotPath(at)); err != nil {
			return err
		}
	}
	l.write.snapshots = keep
	return nil
}

// dropSnapshots removes those that drop is true for.
func (l *Log) dropSnapshots(drop func(at model.Offset) bool) error {
	keep := l.write.snapshots[:0]
	for _, at := range l.write.snapshots {
		if !drop(at) {
			keep = append(keep, at)
			continue
		}
		if err := removeIfExists(l.fs, l.snapshotPath(at)); err != nil {
			return err
		}
	}
	l.write.snapshots = keep
	return nil
}

// loadSnapshot finds the newest whole snapshot at or below end. What is newer,
// torn or unreadable is removed. Without one the table is empty, as of from.
func (l *Log) loadSnapshot(from, end model.Offset) (*producerTable, model.Offset, error) {
	if err := l.dropSnapshots(func(at model.Offset) bool { return at > end }); err != nil {
		return nil, 0, err
	}
	for n := len(l.write.snapshots); n > 0; n-- {
		at := l.write.snapshots[n-1]
		if at < from {
			break
		}
		data, err := readFile(l.fs, l.snapshotPath(at))
		if err != nil {
			return nil, 0, err
		}
		t, err := decodeSnapshot(data)
		if err == nil {
			return t, at, nil
		}
		l.logger.Warn("producer snapshot is not whole and is dropped", "tp", l.tp.String(), "offset", at, "err", err)
		if err := l.dropSnapshots(func(o model.Offset) bool { return o == at }); err != nil {
			return nil, 0, err
		}
	}
	return newProducerTable(), from, nil
}
