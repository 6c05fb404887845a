package settings

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TopicValues are the values of a topic's settings, typed. Durations too long
// for time.Duration (292 years) are its greatest value.
type TopicValues struct {
	Delete  bool // cleanup.policy names delete
	Compact bool // cleanup.policy names compact

	CompressionType  string // "producer", "uncompressed" or a codec's name
	CompressionLevel int    // of that codec; 0 where it has none

	MaxMessageBytes      int
	MaxDecompressedBytes int // of one batch's records

	LogAppendTime      bool // message.timestamp.type
	TimestampBeforeMax time.Duration
	TimestampAfterMax  time.Duration

	MinInsyncReplicas int

	SegmentBytes       int64
	SegmentAge         time.Duration
	SegmentJitter      time.Duration
	IndexBytes         int
	IndexIntervalBytes int
	Preallocate        bool
	FileDeleteDelay    time.Duration

	RetentionBytes int64         // negative: no limit
	RetentionAge   time.Duration // negative: no limit

	// FlushMessages and FlushInterval are the greatest values where
	// everything is synced before it is acknowledged.
	FlushMessages int64
	FlushInterval time.Duration

	DeleteRetention        time.Duration
	MinCompactionLag       time.Duration
	MaxCompactionLag       time.Duration
	MinCleanableDirtyRatio float64

	ProducerIDExpiration time.Duration

	// LeaderThrottled and FollowerThrottled are the replicas that replication throttles
	// hold back (KIP-73).
	LeaderThrottled, FollowerThrottled ThrottledReplicas
}

// TopicValues resolves and parses every setting of a topic. Layers hold only
// values that have been validated; an error is of one that was not.
func (l Layers) TopicValues() (TopicValues, error) {
	r := reader{layers: l}
	policy := SplitList(r.topic("cleanup.policy"))
	v := TopicValues{
		Delete:                 slices.Contains(policy, "delete"),
		Compact:                slices.Contains(policy, "compact"),
		CompressionType:        r.topic("compression.type"),
		MaxMessageBytes:        int(r.whole("max.message.bytes")),
		LogAppendTime:          r.topic("message.timestamp.type") == "LogAppendTime",
		TimestampBeforeMax:     r.duration("message.timestamp.before.max.ms"),
		TimestampAfterMax:      r.duration("message.timestamp.after.max.ms"),
		MinInsyncReplicas:      int(r.whole("min.insync.replicas")),
		SegmentBytes:           r.whole("segment.bytes"),
		SegmentAge:             r.duration("segment.ms"),
		SegmentJitter:          r.duration("segment.jitter.ms"),
		IndexBytes:             int(r.whole("segment.index.bytes")),
		IndexIntervalBytes:     int(r.whole("index.interval.bytes")),
		Preallocate:            r.topic("preallocate") == "true",
		FileDeleteDelay:        r.duration("file.delete.delay.ms"),
		RetentionBytes:         r.whole("retention.bytes"),
		RetentionAge:           r.duration("retention.ms"),
		FlushMessages:          r.whole("flush.messages"),
		FlushInterval:          r.duration("flush.ms"),
		DeleteRetention:        r.duration("delete.retention.ms"),
		MinCompactionLag:       r.duration("min.compaction.lag.ms"),
		MaxCompactionLag:       r.duration("max.compaction.lag.ms"),
		MinCleanableDirtyRatio: r.double("min.cleanable.dirty.ratio"),
	}
	if d, ok := LookupTopic("compression." + v.CompressionType + ".level"); ok {
		v.CompressionLevel = int(r.whole(d.Name))
	}
	v.MaxDecompressedBytes = int(r.brokerWhole("max.decompressed.message.bytes"))
	v.ProducerIDExpiration = Milliseconds(r.brokerWhole("producer.id.expiration.ms"))
	v.LeaderThrottled = r.throttled("leader.replication.throttled.replicas")
	v.FollowerThrottled = r.throttled("follower.replication.throttled.replicas")
	return v, r.err
}

// Milliseconds converts a setting's milliseconds, saturating.
func Milliseconds(n int64) time.Duration {
	if n > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	if n < math.MinInt64/int64(time.Millisecond) {
		return math.MinInt64
	}
	return time.Duration(n) * time.Millisecond
}

// reader parses resolved values and keeps the first error.
type reader struct {
	layers Layers
	err    error
}

func (r *reader) topic(name string) string {
	e, ok := r.layers.TopicSetting(name)
	if !ok {
		panic("settings: BUG: no topic setting is called " + name)
	}
	return e.Value
}

func (r *reader) whole(name string) int64 { return r.parse(name, r.topic(name)) }

func (r *reader) duration(name string) time.Duration { return Milliseconds(r.whole(name)) }

func (r *reader) brokerWhole(name string) int64 {
	e, ok := r.layers.BrokerSetting(name)
	if !ok {
		panic("settings: BUG: no broker setting is called " + name)
	}
	return r.parse(name, e.Value)
}

func (r *reader) parse(name, value string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil {
		r.fail(name, value)
	}
	return n
}

func (r *reader) double(name string) float64 {
	value := r.topic(name)
	f, err := strconv.ParseFloat(value, 64)
	if err != nil {
		r.fail(name, value)
	}
	return f
}

func (r *reader) throttled(name string) ThrottledReplicas {
	replicas, err := ParseThrottledReplicas(r.topic(name))
	if err != nil && r.err == nil {
		r.err = &ValueError{Name: name, Problem: err.Error()}
	}
	return replicas
}

func (r *reader) fail(name, value string) {
	if r.err == nil {
		r.err = &ValueError{Name: name, Problem: fmt.Sprintf("%q is not a number", value)}
	}
}
