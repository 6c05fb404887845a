package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/chronik/chronik/internal/model"
)

var (
	// ErrFenced: a write or sync on the log's directory has failed, so nobody
	// knows what is on the disk. Every operation fails with it until the
	// process is started again (KAFKA_STORAGE_ERROR).
	ErrFenced = errors.New("data directory is fenced after a failed write or sync")
	// ErrClosed: the log has been closed or deleted.
	ErrClosed = errors.New("log is closed")
	// ErrOffsetOutOfRange: below the log's start or beyond its end.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrOffsetGap: a follower's batches do not continue the log.
	ErrOffsetGap = errors.New("batches do not continue the log")
	// ErrEpochBackwards: a leader epoch older than one the log already holds.
	ErrEpochBackwards = errors.New("leader epoch is older than the log's latest")
	// ErrOutOfOrderSequence: an idempotent producer left sequences out
	// (OUT_OF_ORDER_SEQUENCE_NUMBER).
	ErrOutOfOrderSequence = errors.New("producer sequence out of order")
	// ErrProducerFenced: a newer instance of the producer has written
	// (INVALID_PRODUCER_EPOCH).
	ErrProducerFenced = errors.New("producer epoch is older than the latest seen")
	// ErrCoordinatorFenced: an end-transaction marker of a former transaction
	// coordinator (TRANSACTION_COORDINATOR_FENCED).
	ErrCoordinatorFenced = errors.New("transaction marker of an older coordinator epoch")
	// ErrInvalidTransactionState: a non-transactional batch within a
	// producer's open transaction (INVALID_TXN_STATE).
	ErrInvalidTransactionState = errors.New("producer has an open transaction and sent a batch outside it")
	// ErrMessageTooLarge: a batch above max.message.bytes (MESSAGE_TOO_LARGE).
	ErrMessageTooLarge = errors.New("batch is larger than max.message.bytes")
	// ErrRecordListTooLarge: an append that no segment could hold
	// (RECORD_LIST_TOO_LARGE).
	ErrRecordListTooLarge = errors.New("batches are larger than segment.bytes")
	// ErrInvalidBatch: a batch that a client may not send, such as a control
	// batch (INVALID_RECORD).
	ErrInvalidBatch = errors.New("batch is not one that a client may send")
)

// CorruptError reports bytes on disk that are not what was written. The log it
// comes from stays offline: nothing that was acknowledged is cut off silently.
type CorruptError struct {
	Path     string
	Position int64        // byte position in the file
	Offset   model.Offset // the record offset expected there, or NoOffset
	Reason   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is corrupt at byte %d (offset %d): %s; restore the partition from a replica, "+
		"or move its directory away to give up what it holds", e.Path, e.Position, e.Offset, e.Reason)
}

func isCorrupt(err error) bool {
	var corrupt *CorruptError
	return errors.As(err, &corrupt)
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
