package replication

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// A frame is a sequence of entries, each for one partition. Big-endian:
//
//	 0      1       2         18          22             30        34      38
//	┌──────┬───────┬─────────┬───────────┬──────────────┬─────────┬───────┬──
//	│ kind │ flags │ topic id│ partition │ broker epoch │ number  │ epoch │ …
//	└──────┴───────┴─────────┴───────────┴──────────────┴─────────┴───────┴──
//	38        46      54           58            66               74             78
//	┌────────┬───────┬────────────┬─────────────┬────────────────┬──────────────┬─────────┐
//	│ start  │ end   │ last epoch │ elected end │ high watermark │ batch bytes  │ batches │
//	└────────┴───────┴────────────┴─────────────┴────────────────┴──────────────┴─────────┘
//
// Broker epoch and number are the Stream's. Flags: 1 StartOver, 2 Normal.

const entryHeaderBytes = 78

const (
	flagStartOver = 1 << iota
	flagNormal
	flagsKnown = flagStartOver | flagNormal
)

// entry is one partition's message.
type entry struct {
	topic     model.TopicID
	partition model.Partition
	message   replica.Message
	batches   []byte // of the frame's memory
}

var errFrame = errors.New("replication frame is malformed")

// putHeader writes an entry's header into b, which is as long.
func putHeader(b []byte, topic model.TopicID, partition model.Partition, m *replica.Message, batchBytes int) {
	_ = b[entryHeaderBytes-1]
	b[0], b[1] = byte(m.Kind), 0
	if m.StartOver {
		b[1] |= flagStartOver
	}
	if m.Normal {
		b[1] |= flagNormal
	}
	copy(b[2:18], topic[:])
	binary.BigEndian.PutUint32(b[18:], uint32(partition))
	binary.BigEndian.PutUint64(b[22:], uint64(m.Stream.BrokerEpoch))
	binary.BigEndian.PutUint32(b[30:], m.Stream.Number)
	binary.BigEndian.PutUint32(b[34:], uint32(m.Epoch))
	binary.BigEndian.PutUint64(b[38:], uint64(m.Start))
	binary.BigEndian.PutUint64(b[46:], uint64(m.End))
	binary.BigEndian.PutUint32(b[54:], uint32(m.LastEpoch))
	binary.BigEndian.PutUint64(b[58:], uint64(m.ElectedEnd))
	binary.BigEndian.PutUint64(b[66:], uint64(m.HighWatermark))
	binary.BigEndian.PutUint32(b[74:], uint32(batchBytes))
}

// appendEntry appends an entry without batches.
func appendEntry(frame []byte, topic model.TopicID, partition model.Partition, m *replica.Message) []byte {
	at := len(frame)
	frame = append(frame, make([]byte, entryHeaderBytes)...)
	putHeader(frame[at:], topic, partition, m, 0)
	return frame
}

// nextEntry takes an entry off a frame.
func nextEntry(frame []byte) (e entry, rest []byte, err error) {
	if len(frame) < entryHeaderBytes {
		return e, nil, fmt.Errorf("%w: %d bytes are left for an entry", errFrame, len(frame))
	}
	b, rest := frame[:entryHeaderBytes], frame[entryHeaderBytes:]
	kind, flags := replica.Kind(b[0]), b[1]
	if kind < replica.Position || kind > replica.Ack || flags&^flagsKnown != 0 {
		return e, nil, fmt.Errorf("%w: kind %d, flags %#x", errFrame, kind, flags)
	}
	copy(e.topic[:], b[2:18])
	e.partition = model.Partition(int32(binary.BigEndian.Uint32(b[18:])))
	e.message = replica.Message{
		Kind: kind,
		Stream: replica.Stream{
			BrokerEpoch: model.BrokerEpoch(binary.BigEndian.Uint64(b[22:])),
			Number:      binary.BigEndian.Uint32(b[30:]),
		},
		Epoch:         model.LeaderEpoch(int32(binary.BigEndian.Uint32(b[34:]))),
		Start:         model.Offset(binary.BigEndian.Uint64(b[38:])),
		End:           model.Offset(binary.BigEndian.Uint64(b[46:])),
		LastEpoch:     model.LeaderEpoch(int32(binary.BigEndian.Uint32(b[54:]))),
		ElectedEnd:    model.Offset(binary.BigEndian.Uint64(b[58:])),
		HighWatermark: model.Offset(binary.BigEndian.Uint64(b[66:])),
		NewestEpoch:   model.NoLeaderEpoch,
		StartOver:     flags&flagStartOver != 0,
		Normal:        flags&flagNormal != 0,
	}
	size := binary.BigEndian.Uint32(b[74:])
	switch {
	case uint64(size) > uint64(len(rest)):
		return e, nil, fmt.Errorf("%w: an entry says %d bytes of batches, %d are left", errFrame, size, len(rest))
	case size > 0 && kind != replica.Data:
		return e, nil, fmt.Errorf("%w: batches in a message of kind %d", errFrame, kind)
	}
	e.batches = rest[:size:size]
	return e, rest[size:], nil
}
