package coordinator

import (
	"context"
	"errors"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// Log is the log of one shard under one leader epoch. Every method fails with
// ErrNotLeader once that epoch has ended. Append is called by one caller at a
// time, the rest concurrently.
type Log interface {
	// Append appends a batch, all or nothing, and returns the end of the log
	// after it; ErrTooLarge where the topic does not take as large a one. It does not wait for the disk. The batch is not retained.
	Append(batch record.Batch, now model.Timestamp) (end model.Offset, err error)
	// WaitCommitted returns once the high watermark has reached end.
	WaitCommitted(ctx context.Context, end model.Offset) error
	// Read returns whole batches from the log, whether committed or not, and at
	// least one unless from is the log's end. The first may begin below from.
	// They are valid until the next Read.
	Read(from model.Offset) ([]byte, error)
	// Bounds are where the log begins and ends.
	Bounds() (start, end model.Offset)
}

// What keeps a coordinator from answering. All of them but ErrTooLarge pass by
// themselves: the client asks again, here or elsewhere.
var (
	// ErrNotLeader: another node leads the shard's partition, or will.
	ErrNotLeader = errors.New("the coordinator is on another node")
	// ErrLoading: the shard's log is still being read.
	ErrLoading = errors.New("the coordinator is loading its log")
	// ErrUnavailable: the shard cannot write or read its log at this moment.
	ErrUnavailable = errors.New("the coordinator is not available")
	// ErrTooLarge: the records do not fit into a batch of the topic.
	ErrTooLarge = errors.New("the records are larger than the internal topic's max.message.bytes")
)
