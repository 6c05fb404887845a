package settings

// topicTable holds the settings of topics, sorted by name. Never written.
var topicTable = [...]Definition{
	{Name: "cleanup.policy", Type: List, Scope: TopicScope, Default: "delete", rule: cleanupPolicies(), Fallbacks: []string{"log.cleanup.policy"},
		Doc: "What becomes of old segments: delete removes them by age and size, compact keeps the newest record of each key. Both may be given; an empty list keeps everything."},
	{Name: "compression.gzip.level", Type: Int, Scope: TopicScope, Default: "-1", rule: gzipLevels(), Fallbacks: []string{"compression.gzip.level"},
		Doc: "The level used where compression.type is gzip; -1 is gzip's own default."},
	{Name: "compression.lz4.level", Type: Int, Scope: TopicScope, Default: "9", rule: between(1, 17), Fallbacks: []string{"compression.lz4.level"},
		Doc: "The level used where compression.type is lz4."},
	{Name: "compression.type", Type: String, Scope: TopicScope, Default: "producer", rule: compressionTypes(), Fallbacks: []string{"compression.type"},
		Doc: "The codec batches are stored in. producer keeps each batch as it was sent; anything else compresses again what arrives otherwise."},
	{Name: "compression.zstd.level", Type: Int, Scope: TopicScope, Default: "3", rule: between(-131072, 22), Fallbacks: []string{"compression.zstd.level"},
		Doc: "The level used where compression.type is zstd."},
	{Name: "delete.retention.ms", Type: Long, Scope: TopicScope, Default: "86400000", rule: atLeast(0), Fallbacks: []string{"log.cleaner.delete.retention.ms"},
		Doc: "How long compaction keeps a tombstone, so that a consumer reading from the start still learns of the deletion."},
	{Name: "file.delete.delay.ms", Type: Long, Scope: TopicScope, Default: "60000", rule: atLeast(0), Fallbacks: []string{"log.segment.delete.delay.ms"},
		Doc: "How long the files of a deleted segment stay on the disk for readers that still hold them."},
	{Name: "flush.messages", Type: Long, Scope: TopicScope, Default: "9223372036854775807", rule: atLeast(1), Fallbacks: []string{"log.flush.interval.messages"},
		Doc: "Left at its default, chronik syncs every batch to the disk before it acknowledges it. Set, records are acknowledged when written, and synced after this many."},
	{Name: "flush.ms", Type: Long, Scope: TopicScope, Default: "9223372036854775807", rule: atLeast(0), Fallbacks: []string{"log.flush.interval.ms", "log.flush.scheduler.interval.ms"},
		Doc: "Left at its default, chronik syncs every batch to the disk before it acknowledges it. Set, records are acknowledged when written, and synced within this time."},
	{Name: "follower.replication.throttled.replicas", Type: List, Scope: TopicScope, Default: "", rule: throttledReplicas(),
		Doc: "Which replicas follower.replication.throttled.rate holds back while they are not in sync, as partition:broker,partition:broker, or * for all. kafka-reassign-partitions sets and clears it."},
	{Name: "index.interval.bytes", Type: Int, Scope: TopicScope, Default: "4096", rule: atLeast(0), Fallbacks: []string{"log.index.interval.bytes"},
		Doc: "How many bytes of log lie between two entries of a segment's offset index."},
	{Name: "leader.replication.throttled.replicas", Type: List, Scope: TopicScope, Default: "", rule: throttledReplicas(),
		Doc: "Which leaders leader.replication.throttled.rate holds back in what they send to followers that are not in sync, as partition:broker,partition:broker, or * for all. kafka-reassign-partitions sets and clears it."},
	{Name: "max.compaction.lag.ms", Type: Long, Scope: TopicScope, Default: "9223372036854775807", rule: atLeast(1), Fallbacks: []string{"log.cleaner.max.compaction.lag.ms"},
		Doc: "The longest a record may stay uncompacted, whatever the share of dirty bytes."},
	{Name: "max.message.bytes", Type: Int, Scope: TopicScope, Default: "1048588", rule: atLeast(0), Fallbacks: []string{"message.max.bytes"},
		Doc: "The largest record batch, as compressed by its producer, that the topic takes."},
	{Name: "message.timestamp.after.max.ms", Type: Long, Scope: TopicScope, Default: "3600000", rule: atLeast(0), Fallbacks: []string{"log.message.timestamp.after.max.ms"},
		Doc: "How far a record's timestamp may lie ahead of the broker's clock. Only with message.timestamp.type=CreateTime."},
	{Name: "message.timestamp.before.max.ms", Type: Long, Scope: TopicScope, Default: "9223372036854775807", rule: atLeast(0), Fallbacks: []string{"log.message.timestamp.before.max.ms"},
		Doc: "How far a record's timestamp may lie behind the broker's clock. Only with message.timestamp.type=CreateTime."},
	{Name: "message.timestamp.type", Type: String, Scope: TopicScope, Default: "CreateTime", rule: timestampTypes(), Fallbacks: []string{"log.message.timestamp.type"},
		Doc: "Whether a record carries the time its producer gave it or the time the broker appended it."},
	{Name: "min.cleanable.dirty.ratio", Type: Double, Scope: TopicScope, Default: "0.5", rule: between(0, 1), Fallbacks: []string{"log.cleaner.min.cleanable.ratio"},
		Doc: "The share of a log that must be uncompacted before compaction is worth its while."},
	{Name: "min.compaction.lag.ms", Type: Long, Scope: TopicScope, Default: "0", rule: atLeast(0), Fallbacks: []string{"log.cleaner.min.compaction.lag.ms"},
		Doc: "How long a record is certain to stay uncompacted."},
	{Name: "min.insync.replicas", Type: Int, Scope: TopicScope, Null: true, rule: atLeast(1), Fallbacks: []string{"min.insync.replicas"},
		Doc: "How many replicas must be in sync for acks=all to be accepted. Where nothing sets it, a majority of the replication factor."},
	{Name: "preallocate", Type: Boolean, Scope: TopicScope, Default: "false", Fallbacks: []string{"log.preallocate"},
		Doc: "Whether a new segment's file gets all its space on the disk at once."},
	{Name: "retention.bytes", Type: Long, Scope: TopicScope, Default: "-1", Fallbacks: []string{"log.retention.bytes"},
		Doc: "How large a partition may grow before its oldest segments are deleted; -1 is without limit."},
	{Name: "retention.ms", Type: Long, Scope: TopicScope, Default: "604800000", rule: atLeast(-1), Fallbacks: []string{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
		Doc: "How long records are kept before their segment is deleted; -1 is for ever."},
	{Name: "segment.bytes", Type: Int, Scope: TopicScope, Default: "1073741824", rule: atLeast(1 << 20), Fallbacks: []string{"log.segment.bytes"},
		Doc: "The size at which a new segment is begun. Retention and compaction work by whole segments."},
	{Name: "segment.index.bytes", Type: Int, Scope: TopicScope, Default: "10485760", rule: atLeast(4), Fallbacks: []string{"log.index.size.max.bytes"},
		Doc: "The size of a segment's index at which a new segment is begun."},
	{Name: "segment.jitter.ms", Type: Long, Scope: TopicScope, Default: "0", rule: atLeast(0), Fallbacks: []string{"log.roll.jitter.ms", "log.roll.jitter.hours"},
		Doc: "The most that is taken off segment.ms, at random, so that not all partitions begin new segments at once."},
	{Name: "segment.ms", Type: Long, Scope: TopicScope, Default: "604800000", rule: atLeast(1), Fallbacks: []string{"log.roll.ms", "log.roll.hours"},
		Doc: "The age at which a new segment is begun even if the current one is not full."},
	{Name: "unclean.leader.election.enable", Type: Boolean, Scope: TopicScope, Default: "false", Fallbacks: []string{"unclean.leader.election.enable"},
		Doc: "Whether a replica may be elected that may lack acknowledged records, once no election has been possible for some seconds that loses none. Those records are lost then."},
}

func cleanupPolicies() rule { return oneOf("compact", "delete") }

func timestampTypes() rule { return oneOf("CreateTime", "LogAppendTime") }

func compressionTypes() rule {
	return oneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
}

func gzipLevels() rule {
	r := notZero(-1, "0 is not a level; use -1 for the default, 1 to 9, or compression.type=uncompressed", "[1,...,9] or -1")
	r.high, r.hasHigh = 9, true
	return r
}

// unservedTopicTable holds Kafka's other topic settings, with the reason.
var unservedTopicTable = [...]reasoned{
	{"tiered storage is not served", []string{
		"local.retention.bytes", "local.retention.ms", "remote.log.copy.disable", "remote.log.delete.on.disable", "remote.storage.enable"}},
	{"it is internal to Kafka's tests", []string{"internal.segment.bytes"}},
	{"Kafka itself has removed it", []string{
		"message.downconversion.enable", "message.format.version", "message.timestamp.difference.max.ms"}},
}
