package record

import (
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

// What callers branch on. All are wrapped with where and why.
var (
	// ErrTruncated: the bytes end before the batch does. At the end of a fetch
	// response or of a segment that is ordinary; in a produce request it is not.
	ErrTruncated = errors.New("record batch truncated")
	// ErrCorrupt: the bytes are not what was written (CORRUPT_MESSAGE).
	ErrCorrupt = errors.New("record batch corrupt")
	// ErrUnsupportedMagic: a message format other than version 2. KIP-724 ended
	// the older ones (UNSUPPORTED_FOR_MESSAGE_FORMAT).
	ErrUnsupportedMagic = errors.New("unsupported message format version")
	// ErrUnsupportedCodec: the attributes name no codec that Kafka has
	// (UNSUPPORTED_COMPRESSION_TYPE).
	ErrUnsupportedCodec = errors.New("unsupported compression codec")
	// ErrTooLarge: the records decompress to more than Limits allow
	// (MESSAGE_TOO_LARGE).
	ErrTooLarge = errors.New("record batch decompresses beyond the limit")
)

// recordErrorsMax bounds how many records of one batch are reported one by one;
// a batch of a million null keys must not make an answer of a million lines.
const recordErrorsMax = 100

// RecordError is what is wrong with one record of a batch.
type RecordError struct {
	Index int // within the batch, from 0
	Msg   string
}

// InvalidRecordError says that a batch arrived as it was sent, and that what was
// sent breaks a rule (INVALID_RECORD; sending it again will not help).
type InvalidRecordError struct {
	Index   int // of the first bad record; -1: the batch as a whole
	Msg     string
	Records []RecordError // by record, where the rest of the batch could be read; at most recordErrorsMax
}

func (e *InvalidRecordError) Error() string {
	if e.Index < 0 {
		return "invalid record batch: " + e.Msg
	}
	return fmt.Sprintf("invalid record %d: %s", e.Index, e.Msg)
}

// InvalidTimestampError says which records have timestamps that the topic does
// not take (INVALID_TIMESTAMP).
type InvalidTimestampError struct {
	Index     int // of the first such record; -1: the batch as a whole
	Timestamp model.Timestamp
	Msg       string
	Records   []RecordError // at most recordErrorsMax
}

func (e *InvalidTimestampError) Error() string {
	return fmt.Sprintf("invalid timestamp %d of record %d: %s", e.Timestamp, e.Index, e.Msg)
}

// invalidBatch is an InvalidRecordError about the batch as a whole.
func invalidBatch(format string, args ...any) error {
	return &InvalidRecordError{Index: -1, Msg: fmt.Sprintf(format, args...)}
}
