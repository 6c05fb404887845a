package group

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// OffsetsTopic is the internal topic with the groups and their offsets.
const OffsetsTopic = "__consumer_offsets"

// Config is Kafka's group settings, each with Kafka's name.
type Config struct {
	SessionTimeoutMin             time.Duration // group.min.session.timeout.ms
	SessionTimeoutMax             time.Duration // group.max.session.timeout.ms
	InitialRebalanceDelay         time.Duration // group.initial.rebalance.delay.ms
	MembersMax                    int           // group.max.size
	OffsetMetadataBytesMax        int           // offset.metadata.max.bytes
	OffsetsRetention              time.Duration // offsets.retention.minutes
	OffsetsRetentionCheckInterval time.Duration // offsets.retention.check.interval.ms
	// OffsetsPartitions is offsets.topic.num.partitions: what groups hash to
	// as long as the topic does not exist.
	OffsetsPartitions model.Partition
}

// DefaultConfig is Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		SessionTimeoutMin:             6 * time.Second,
		SessionTimeoutMax:             30 * time.Minute,
		InitialRebalanceDelay:         3 * time.Second,
		MembersMax:                    1<<31 - 1,
		OffsetMetadataBytesMax:        4096,
		OffsetsRetention:              7 * 24 * time.Hour,
		OffsetsRetentionCheckInterval: 10 * time.Minute,
		OffsetsPartitions:             50,
	}
}

// Limits that Kafka does not have: what a client that only ever begins to join
// can make a coordinator hold.
const (
	// groupsMax is how many groups a partition of the topic has. Kafka's largest
	// known installations have some thousands in all.
	groupsMax = 100_000
	// pendingMembersMax is how many ids a group has handed out to members that
	// have not come back with them (KIP-394). Each is kept for a session.
	pendingMembersMax = 10_000
	// protocolBytesMax bounds the protocol metadata of a group's members in
	// all. Its record must fit into max.message.bytes, so 64 times the default
	// of that is more than any group can use.
	protocolBytesMax = 64 << 20
	// stringBytesMax is the longest string that Kafka's records can hold.
	// Flexible requests can carry longer ones.
	stringBytesMax = 1<<15 - 1
	// newMemberTimeout is how long a member that has never had a generation
	// waits for one. Kafka's reason: the connection may be gone, and without a
	// session a rebalance would wait for it for ever.
	newMemberTimeout = 5 * time.Minute
)

// consumerProtocol is the protocol type of consumers.
const consumerProtocol = "consumer"

// noGeneration stands where a request or response has none.
const noGeneration = -1
