package partition

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

// Errors that callers branch on; those of the log (storage, record) pass
// through wrapped.
var (
	// ErrNotLeader: this node does not lead the partition (any more).
	ErrNotLeader = errors.New("not the leader of the partition")
	// ErrFencedLeaderEpoch: the caller's leader epoch is older than ours.
	ErrFencedLeaderEpoch = errors.New("leader epoch is older than the partition's")
	// ErrUnknownLeaderEpoch: the caller's leader epoch is newer than ours.
	ErrUnknownLeaderEpoch = errors.New("leader epoch is newer than the partition's")
	// ErrTooManyLogs: the process may have no more files open.
	ErrTooManyLogs = errors.New("too many logs for the limit of open files")
	// ErrNotEnoughReplicas: the in-sync set is smaller than
	// min.insync.replicas; nothing was appended.
	ErrNotEnoughReplicas = errors.New("in-sync set is smaller than min.insync.replicas")
	// ErrOffline: the partition's log could not be opened, or its disk failed.
	ErrOffline = errors.New("partition is offline")
	// ErrNoSuchDirectory: it is none of the node's log directories.
	ErrNoSuchDirectory = errors.New("no log directory of this node")
	// ErrNotHere: the node holds no replica of the partition.
	ErrNotHere = errors.New("no replica of the partition is here")
	// ErrClosed: the partition was deleted or the node is stopping.
	ErrClosed = errors.New("partition is closed")
)

// OffsetOutOfRangeError tells the range that could have been read.
type OffsetOutOfRangeError struct {
	Asked, Start, End model.Offset
}

func (e *OffsetOutOfRangeError) Error() string {
	return fmt.Sprintf("offset %d is outside [%d, %d]", e.Asked, e.Start, e.End)
}
