package brokertest

import (
	"bytes"
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/record"
)

// alterTopic changes one setting of topic t; an empty value deletes it.
func alterTopic(t *testing.T, admin *kadm.Client, name, value string) {
	t.Helper()
	responses, err := admin.AlterTopicConfigs(Context(t), []kadm.AlterConfig{alteration(name, value)}, "t")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range responses {
		if r.Err != nil {
			t.Fatalf("%s=%s: %v", name, value, r.Err)
		}
	}
}

func alteration(name, value string) kadm.AlterConfig {
	if value == "" {
		return kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name}
	}
	return kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
}

// alterBrokers changes one setting of some brokers, or of all.
func alterBrokers(t *testing.T, admin *kadm.Client, name, value string, brokers ...int32) {
	t.Helper()
	responses, err := admin.AlterBrokerConfigs(Context(t), []kadm.AlterConfig{alteration(name, value)}, brokers...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range responses {
		if r.Err != nil {
			t.Fatalf("%s=%s: %v", name, value, r.Err)
		}
	}
}

func TestMaxMessageBytesTakesEffectAtOnce(t *testing.T) {
	b := Start(t, t.TempDir())
	admin := createTopic(t, b, 1, "t")
	c := b.Raw(t)
	batch := goodBatch(record.CodecNone, bytes.Repeat([]byte("v"), 10_000))
	expect := func(when string, want *kerr.Error) {
		t.Helper()
		if got := produceTo(t, c, -1, "t", batch).ErrorCode; got != codeOf(want) {
			t.Errorf("%s: %v, want %v", when, kerr.ErrorForCode(got), want)
		}
	}
	expect("by default", nil)
	alterTopic(t, admin, "max.message.bytes", "5000")
	expect("with the topic's own limit", kerr.MessageTooLarge)
	alterTopic(t, admin, "max.message.bytes", "")
	expect("without it", nil)
	alterBrokers(t, admin, "message.max.bytes", "6000")
	expect("with the cluster's limit", kerr.MessageTooLarge)
	alterBrokers(t, admin, "message.max.bytes", "20000", 1)
	expect("with the broker's before the cluster's", nil)
	alterTopic(t, admin, "max.message.bytes", "5000")
	expect("with the topic's before both", kerr.MessageTooLarge)
	alterTopic(t, admin, "max.message.bytes", "")
	alterBrokers(t, admin, "message.max.bytes", "", 1)
	expect("with the cluster's again", kerr.MessageTooLarge)

	b.Stop()
	b = Start(t, b.Dir)
	admin, c = kadm.NewClient(b.Client()), b.Raw(t)
	expect("after a restart", kerr.MessageTooLarge)
	alterBrokers(t, admin, "message.max.bytes", "")
	expect("with nothing set", nil)
}

// A broker keeps to one replica's topic whatever min.insync.replicas says.
func TestMinInsyncReplicasOfATopicWithOneReplica(t *testing.T) {
	b := Start(t, t.TempDir())
	admin := createTopic(t, b, 1, "t")
	alterTopic(t, admin, "min.insync.replicas", "2")
	if got := produceTo(t, b.Raw(t), -1, "t", goodBatch(record.CodecNone, []byte("v"))).ErrorCode; got != 0 {
		t.Errorf("acks=-1: %v", kerr.ErrorForCode(got))
	}
}

func TestTimestampTypeTakesEffectAtOnce(t *testing.T) {
	b := Start(t, t.TempDir())
	admin := createTopic(t, b, 1, "t")
	c, batch := b.Raw(t), goodBatch(record.CodecNone, []byte("v"))
	if got := produceTo(t, c, -1, "t", bytes.Clone(batch)).LogAppendTime; got != -1 {
		t.Errorf("the producer's time, answered as the broker's: %d", got)
	}
	alterTopic(t, admin, "message.timestamp.type", "LogAppendTime")
	if got := produceTo(t, c, -1, "t", bytes.Clone(batch)).LogAppendTime; got <= 1_700_000_000_000 {
		t.Errorf("appended at %d", got)
	}
	alterTopic(t, admin, "message.timestamp.type", "")
	alterTopic(t, admin, "message.timestamp.before.max.ms", "1000")
	if got := produceTo(t, c, -1, "t", bytes.Clone(batch)).ErrorCode; got != kerr.InvalidTimestamp.Code {
		t.Errorf("a record of the year 2023: %v", kerr.ErrorForCode(got))
	}
}

// Old records stay while nothing limits them, and go once something does.
func TestRetentionTakesEffectOnceItIsChanged(t *testing.T) {
	b := Start(t, t.TempDir(), "log.retention.check.interval.ms=1", "log.retention.ms=-1")
	ctx := Context(t)
	admin := createTopic(t, b, 1, "t")
	produced := int64(0)
	produce := func() {
		t.Helper()
		got := produceTo(t, b.Raw(t), -1, "t", goodBatch(record.CodecNone, []byte("v"))) // of 2023
		if got.ErrorCode != 0 || got.BaseOffset != produced {
			t.Fatalf("offset %d, %v", got.BaseOffset, kerr.ErrorForCode(got.ErrorCode))
		}
		produced++
	}
	produce()
	alterTopic(t, admin, "retention.ms", "1000")
	awaitStart(ctx, t, admin, produced)
	alterTopic(t, admin, "retention.ms", "")
	produce()
	alterTopic(t, admin, "retention.bytes", "0")
	awaitStart(ctx, t, admin, produced)
	alterTopic(t, admin, "retention.bytes", "")
	produce()
	alterBrokers(t, admin, "log.retention.ms", "1000")
	awaitStart(ctx, t, admin, produced)
}

// awaitStart asks where topic t starts until it is there.
func awaitStart(ctx context.Context, t *testing.T, admin *kadm.Client, want int64) {
	t.Helper()
	for {
		starts, err := admin.ListStartOffsets(ctx, "t")
		if err != nil {
			t.Fatalf("the topic does not start at %d: %v", want, err)
		}
		switch start, _ := starts.Lookup("t", 0); {
		case start.Offset == want:
			return
		case start.Offset > want:
			t.Fatalf("the topic starts at %d, beyond %d", start.Offset, want)
		}
	}
}
