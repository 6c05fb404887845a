package quorum

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// logDir is the directory of the metadata log within the data directory. It has
// the name of a partition, and Kafka's dump-log reads its segments.
func logDir(dataDir string) string { return filepath.Join(dataDir, logPartition().String()) }

func logPartition() model.TopicPartition {
	return model.TopicPartition{Topic: "__cluster_metadata", Partition: 0}
}

// logSegmentBytes is small, so that little is kept below a snapshot.
const logSegmentBytes = 4 << 20

// entryLog is raft's log in a partition's log: an entry is a batch with one
// record. Its index is the offset, its term the leader epoch, its type the key
// (one byte), its data the value (null where it has none).
type entryLog struct{ log *storage.Log }

func openLog(fs vfs.FS, disk *storage.Disk, dataDir string, logger *slog.Logger, clean bool) (entryLog, error) {
	l, found, err := storage.Open(storage.Options{
		FS: fs, Disk: disk, Dir: logDir(dataDir), TopicPartition: logPartition(), Logger: logger, CleanShutdown: clean,
		Config: storage.Config{SegmentBytes: logSegmentBytes},
	})
	if found.BytesCut > 0 {
		logger.Warn("Recovered the metadata log and cut off its torn end", "bytes_cut", found.BytesCut)
	}
	return entryLog{l}, err
}

// start and end are indexes: [start, end).
func (l entryLog) start() uint64 { return uint64(l.log.StartOffset()) }
func (l entryLog) end() uint64   { return uint64(l.log.EndOffset()) }

// append writes entries that follow the end, and returns when they are durable.
func (l entryLog) append(ctx context.Context, entries []*raftpb.Entry) error {
	var batches []byte
	now := model.TimestampOf(time.Now())
	for _, e := range entries {
		if e.GetTerm() > math.MaxInt32 {
			return fmt.Errorf("append metadata entry %d: term %d is too great for a leader epoch", e.GetIndex(), e.GetTerm())
		}
		b := record.NewBuilder(record.BuildOptions{
			BaseOffset: model.Offset(e.GetIndex()), LeaderEpoch: model.LeaderEpoch(e.GetTerm()),
		})
		b.Append(now, []byte{byte(e.GetType())}, e.GetData())
		batches = append(batches, b.Build()...)
	}
	if _, err := l.log.AppendFollower(batches); err != nil {
		return fmt.Errorf("append to the metadata log: %w", err)
	}
	if err := l.log.Flush(ctx); err != nil {
		return fmt.Errorf("sync the metadata log: %w", err)
	}
	return nil
}

// truncateTo cuts off the entries from end on, durably.
func (l entryLog) truncateTo(end uint64) error {
	if err := l.log.TruncateTo(model.Offset(end)); err != nil {
		return fmt.Errorf("truncate the metadata log to %d: %w", end, err)
	}
	return nil
}

// startOver drops all entries and begins anew at an index.
func (l entryLog) startOver(index uint64) error {
	if err := l.log.TruncateFullyAndStartAt(model.Offset(index)); err != nil {
		return fmt.Errorf("start the metadata log over at %d: %w", index, err)
	}
	return nil
}

// dropBefore removes the entries below an index, by whole segments.
func (l entryLog) dropBefore(index uint64) error {
	if err := l.log.AdvanceStart(model.Offset(index)); err != nil {
		return fmt.Errorf("advance the metadata log to %d: %w", index, err)
	}
	if _, err := l.log.Retain(model.TimestampOf(time.Now()), model.Offset(index)); err != nil {
		return fmt.Errorf("remove old segments of the metadata log: %w", err)
	}
	return nil
}

// term is the term of an entry that the log has.
func (l entryLog) term(index uint64) (uint64, error) {
	if index >= l.start() && index < l.end() {
		if epoch, ok := l.log.EpochAt(model.Offset(index)); ok {
			return uint64(epoch), nil
		}
	}
	return 0, fmt.Errorf("the metadata log, which is [%d, %d), does not tell the term of entry %d", l.start(), l.end(), index)
}

// read returns entries from lo on, below hi, of about bytesMax bytes; at least
// one.
func (l entryLog) read(lo, hi uint64, bytesMax int) ([]*raftpb.Entry, error) {
	result, err := l.log.Read(storage.Read{From: model.Offset(lo), To: model.Offset(hi), MaxBytes: bytesMax, MinOneBatch: true})
	if err != nil {
		return nil, fmt.Errorf("read the metadata log at %d: %w", lo, err)
	}
	entries, err := entriesOf(result.Batches)
	if err == nil && (len(entries) == 0 || entries[0].GetIndex() != lo) {
		err = fmt.Errorf("entry %d is not there", lo)
	}
	if err != nil {
		return nil, fmt.Errorf("read the metadata log at %d: %w", lo, err)
	}
	return entries, nil
}

func entriesOf(batches []byte) ([]*raftpb.Entry, error) {
	var entries []*raftpb.Entry
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return nil, err
		}
		e, err := entryOf(b)
		if err != nil {
			return nil, fmt.Errorf("batch at %d: %w", b.BaseOffset(), err)
		}
		entries, rest = append(entries, e), after
	}
	return entries, nil
}

func entryOf(b record.Batch) (*raftpb.Entry, error) {
	if err := b.CheckCRC(); err != nil {
		return nil, err
	}
	r, err := b.Records(record.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rec, ok, err := r.Next()
	if err != nil {
		return nil, err
	}
	if !ok || len(rec.Key) != 1 || b.Count() != 1 {
		return nil, fmt.Errorf("%w: not one record with a type", errEntry)
	}
	e := &raftpb.Entry{
		Term: new(uint64(b.LeaderEpoch())), Index: new(uint64(b.BaseOffset())),
		Type: raftpb.EntryType(rec.Key[0]).Enum(),
	}
	if len(rec.Value) > 0 {
		e.Data = append([]byte(nil), rec.Value...)
	}
	return e, nil
}
