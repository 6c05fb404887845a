package api

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/wire"
)

// sentinelCodes is the one place where the errors of the layers below become
// Kafka's codes. Order matters where one error wraps another.
func sentinelCodes() []sentinelCode {
	return []sentinelCode{
		{partition.ErrNotLeader, kerr.NotLeaderForPartition},
		{partition.ErrFencedLeaderEpoch, kerr.FencedLeaderEpoch},
		{partition.ErrUnknownLeaderEpoch, kerr.UnknownLeaderEpoch},
		{partition.ErrNotEnoughReplicas, kerr.NotEnoughReplicas},
		{partition.ErrOffsetNotAvailable, kerr.OffsetNotAvailable},
		{partition.ErrOffline, kerr.KafkaStorageError},
		{partition.ErrNoSuchDirectory, kerr.LogDirNotFound},
		{partition.ErrNotHere, kerr.ReplicaNotAvailable},
		{partition.ErrClosed, kerr.NotLeaderForPartition},
		{storage.ErrFenced, kerr.KafkaStorageError},
		{storage.ErrClosed, kerr.NotLeaderForPartition},
		{storage.ErrOffsetOutOfRange, kerr.OffsetOutOfRange},
		{storage.ErrOutOfOrderSequence, kerr.OutOfOrderSequenceNumber},
		{storage.ErrProducerFenced, kerr.InvalidProducerEpoch},
		{storage.ErrCoordinatorFenced, kerr.TransactionCoordinatorFenced},
		{storage.ErrInvalidTransactionState, kerr.InvalidTxnState},
		{storage.ErrMessageTooLarge, kerr.MessageTooLarge},
		{storage.ErrRecordListTooLarge, kerr.RecordListTooLarge},
		{storage.ErrInvalidBatch, kerr.InvalidRecord},
		{record.ErrTruncated, kerr.CorruptMessage},
		{record.ErrCorrupt, kerr.CorruptMessage},
		{record.ErrUnsupportedMagic, kerr.UnsupportedForMessageFormat},
		{record.ErrUnsupportedCodec, kerr.UnsupportedCompressionType},
		{record.ErrTooLarge, kerr.MessageTooLarge},
		{context.DeadlineExceeded, kerr.RequestTimedOut},
		{context.Canceled, kerr.RequestTimedOut},
	}
}

type sentinelCode struct {
	err  error
	code *kerr.Error
}

// codeOf maps an error of a layer below to what the client is told. What is
// not known here is KAFKA_STORAGE_ERROR: retriable, as UNKNOWN_SERVER_ERROR is
// not, which makes Java producers give up a batch that may be in the log.
func codeOf(err error) *kerr.Error {
	if err == nil {
		return nil
	}
	var (
		own        *wire.Error
		outOfRange *partition.OffsetOutOfRangeError
		corrupt    *storage.CorruptError
		batchTime  *record.InvalidTimestampError
		invalid    *record.InvalidRecordError
	)
	switch {
	case errors.As(err, &own):
		if known, ok := errors.AsType[*kerr.Error](kerr.ErrorForCode(int16(own.Code))); ok {
			return known
		}
	case errors.As(err, &outOfRange):
		return kerr.OffsetOutOfRange
	case errors.As(err, &corrupt):
		return kerr.KafkaStorageError
	case errors.As(err, &batchTime):
		return kerr.InvalidTimestamp
	case errors.As(err, &invalid):
		return kerr.InvalidRecord
	}
	for _, s := range sentinelCodes() {
		if errors.Is(err, s.err) {
			return s.code
		}
	}
	return kerr.KafkaStorageError
}

// wireCode is codeOf as it stands in a response.
func wireCode(err error) int16 {
	if e := codeOf(err); e != nil {
		return e.Code
	}
	return 0
}

// message is the sentence for a person, or nil where there is no error.
func message(err error) *string {
	if err == nil {
		return nil
	}
	var own *wire.Error
	text := err.Error()
	if errors.As(err, &own) && own.Message != "" {
		text = own.Message
	}
	return &text
}
