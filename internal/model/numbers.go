package model

import "time"

// NodeID is the id of a broker or controller (`node.id`). Non-negative.
type NodeID int32

// NoNode stands where a leader or coordinator is not known (Kafka's -1).
const NoNode NodeID = -1

// Partition is the index of a partition within its topic, from 0.
type Partition int32

// Offset is the position of a record in a partition's log. Non-negative where
// it names a record.
type Offset int64

// NoOffset is Kafka's -1: no such offset.
const NoOffset Offset = -1

// LeaderEpoch counts the changes of a partition's leader; 0 is the first.
type LeaderEpoch int32

// NoLeaderEpoch is Kafka's -1: the client or the batch does not say.
const NoLeaderEpoch LeaderEpoch = -1

// PartitionEpoch counts every change of a partition's metadata.
type PartitionEpoch int32

// BrokerEpoch is the metadata index at which a broker's current incarnation was
// registered; it grows with every registration of any broker.
type BrokerEpoch int64

// ProducerID identifies an idempotent or transactional producer (KIP-98).
type ProducerID int64

// NoProducerID marks a batch of a producer that is not idempotent.
const NoProducerID ProducerID = -1

// ProducerEpoch fences older instances of the same producer id.
type ProducerEpoch int16

// NoProducerEpoch goes with NoProducerID.
const NoProducerEpoch ProducerEpoch = -1

// Sequence numbers the records of one producer in one partition. It wraps from
// MaxInt32 to 0.
type Sequence int32

// NoSequence goes with NoProducerID, and with control batches.
const NoSequence Sequence = -1

// Timestamp is in milliseconds since the Unix epoch, as on Kafka's wire.
type Timestamp int64

// NoTimestamp is Kafka's -1: no timestamp.
const NoTimestamp Timestamp = -1

// TimestampOf converts a clock reading.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Time converts back, in UTC.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }
