package quorum

import (
	"context"
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
)

// entryLog keeps Raft's entries in a partition's log: an entry is a record batch
// of one record, whose offset is the entry's index and whose leader epoch is its
// term. The record's key is one byte, the entry's type; its value is the entry's
// data.
type entryLog struct {
	log *storage.Log
}

// entryReadBytes is how much of the log one read takes at the start.
const entryReadBytes = 1 << 20

// append writes entries, over a conflicting suffix where there is one, and
// returns once they are durable.
func (l entryLog) append(ctx context.Context, entries []*raftpb.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	first := model.Offset(entries[0].GetIndex())
	if first < l.log.EndOffset() {
		if err := l.log.TruncateTo(first); err != nil {
			return fmt.Errorf("truncate the metadata log to %d: %w", first, err)
		}
	}
	var batches []byte
	for _, e := range entries {
		b := record.NewBuilder(record.BuildOptions{
			BaseOffset: model.Offset(e.GetIndex()), LeaderEpoch: model.LeaderEpoch(e.GetTerm()),
		})
		b.Append(0, []byte{byte(e.GetType())}, e.Data)
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

// load reads the entries after an index, to the end.
func (l entryLog) load(after uint64) ([]*raftpb.Entry, error) {
	from, end := model.Offset(after)+1, l.log.EndOffset()
	if end <= from {
		return nil, nil
	}
	if start := l.log.StartOffset(); start > from {
		return nil, fmt.Errorf("the metadata log begins at %d, and the newest snapshot ends at %d: entries are missing in between", start, after)
	}
	var entries []*raftpb.Entry
	for from < end {
		read, err := l.log.Read(storage.Read{From: from, To: end, MaxBytes: entryReadBytes, MinOneBatch: true})
		if err != nil {
			return nil, fmt.Errorf("read the metadata log at %d: %w", from, err)
		}
		for rest := read.Batches; len(rest) > 0; {
			var batch record.Batch
			if batch, rest, err = record.Split(rest); err != nil {
				return nil, fmt.Errorf("read the metadata log at %d: %w", from, err)
			}
			e, err := decodeEntry(batch)
			if err != nil {
				return nil, fmt.Errorf("read the metadata log at %d: %w", from, err)
			}
			entries = append(entries, e)
		}
		if read.NextOffset == from {
			return nil, fmt.Errorf("read the metadata log at %d: nothing is there", from)
		}
		from = read.NextOffset
	}
	return entries, nil
}

func decodeEntry(batch record.Batch) (*raftpb.Entry, error) {
	reader, err := batch.Records(record.Limits{DecompressedBytesMax: math.MaxInt32})
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	r, ok, err := reader.Next()
	if err != nil {
		return nil, err
	}
	if !ok || batch.Count() != 1 || len(r.Key) != 1 {
		return nil, fmt.Errorf("batch at %d is not a Raft entry", batch.BaseOffset())
	}
	index, term := uint64(batch.BaseOffset()), uint64(batch.LeaderEpoch())
	kind := raftpb.EntryType(r.Key[0])
	return &raftpb.Entry{Index: &index, Term: &term, Type: &kind, Data: append([]byte(nil), r.Value...)}, nil
}

// beginAt empties the log and lets it go on at index: after a snapshot from the
// leader, and once at the very start, for Raft's first index is 1.
func (l entryLog) beginAt(index uint64) error {
	if err := l.log.TruncateFullyAndStartAt(model.Offset(index)); err != nil {
		return fmt.Errorf("begin the metadata log at %d: %w", index, err)
	}
	return nil
}

// dropTo forgets entries below index; whole segments leave the disk.
func (l entryLog) dropTo(index uint64) error {
	if err := l.log.AdvanceStart(model.Offset(index)); err != nil {
		return fmt.Errorf("drop the metadata log below %d: %w", index, err)
	}
	return nil
}
