package record

import (
	"encoding/binary"
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

// ControlType says what a control record means.
type ControlType int16

// The control records of Kafka. The brokers of chronik write the first two.
const (
	ControlAbort          ControlType = 0
	ControlCommit         ControlType = 1
	ControlLeaderChange   ControlType = 2
	ControlSnapshotHeader ControlType = 3
	ControlSnapshotFooter ControlType = 4
	ControlKRaftVersion   ControlType = 5
	ControlKRaftVoters    ControlType = 6
)

func (t ControlType) String() string {
	switch t {
	case ControlAbort:
		return "ABORT"
	case ControlCommit:
		return "COMMIT"
	case ControlLeaderChange:
		return "LEADER_CHANGE"
	case ControlSnapshotHeader:
		return "SNAPSHOT_HEADER"
	case ControlSnapshotFooter:
		return "SNAPSHOT_FOOTER"
	case ControlKRaftVersion:
		return "KRAFT_VERSION"
	case ControlKRaftVoters:
		return "KRAFT_VOTERS"
	}
	return fmt.Sprintf("UNKNOWN_%d", int16(t))
}

// EndsTransaction tells whether the record is an end-of-transaction marker.
func (t ControlType) EndsTransaction() bool { return t == ControlAbort || t == ControlCommit }

// A control record's key, and the value of one that ends a transaction; big
// endian. A later version may add fields behind these.
//
//	key:   version int16 │ type int16
//	value: version int16 │ coordinatorEpoch int32
const (
	controlKeySize   = 4
	controlValueSize = 6
)

// Marker ends a transaction.
type Marker struct {
	Type             ControlType // ControlAbort or ControlCommit
	BaseOffset       model.Offset
	LeaderEpoch      model.LeaderEpoch
	Timestamp        model.Timestamp
	ProducerID       model.ProducerID
	ProducerEpoch    model.ProducerEpoch
	CoordinatorEpoch int32
}

// ControlBatch is the batch with which a transaction ends in a partition: one
// record, and no sequence number.
func ControlBatch(m Marker) Batch {
	if !m.Type.EndsTransaction() {
		panic(fmt.Sprintf("record: marker of type %d", m.Type))
	}
	key := binary.BigEndian.AppendUint16(make([]byte, 0, controlKeySize), 0)
	key = binary.BigEndian.AppendUint16(key, uint16(m.Type))
	value := binary.BigEndian.AppendUint16(make([]byte, 0, controlValueSize), 0)
	value = binary.BigEndian.AppendUint32(value, uint32(m.CoordinatorEpoch))
	b := NewBuilder(BuildOptions{
		BaseOffset:    m.BaseOffset,
		LeaderEpoch:   m.LeaderEpoch,
		Producer:      &Producer{ID: m.ProducerID, Epoch: m.ProducerEpoch, BaseSequence: model.NoSequence},
		Transactional: true,
		Control:       true,
	})
	b.Append(m.Timestamp, key, value)
	return b.Build()
}

// ParseControl reads a record of a control batch. The coordinator's epoch is -1
// where the record does not end a transaction. Types that are not known are no
// error: readers pass over them.
func ParseControl(r Record) (t ControlType, coordinatorEpoch int32, err error) {
	if len(r.Key) < controlKeySize {
		return 0, -1, fmt.Errorf("control record at %d: key of %d bytes: %w", r.Offset, len(r.Key), ErrCorrupt)
	}
	if v := int16(binary.BigEndian.Uint16(r.Key)); v < 0 {
		return 0, -1, fmt.Errorf("control record at %d: key version %d: %w", r.Offset, v, ErrCorrupt)
	}
	t = ControlType(binary.BigEndian.Uint16(r.Key[2:]))
	if !t.EndsTransaction() {
		return t, -1, nil
	}
	if len(r.Value) < controlValueSize {
		return 0, -1, fmt.Errorf("control record at %d: value of %d bytes: %w", r.Offset, len(r.Value), ErrCorrupt)
	}
	if v := int16(binary.BigEndian.Uint16(r.Value)); v < 0 {
		return 0, -1, fmt.Errorf("control record at %d: value version %d: %w", r.Offset, v, ErrCorrupt)
	}
	return t, int32(binary.BigEndian.Uint32(r.Value[2:])), nil
}
