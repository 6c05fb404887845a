package settings

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestTopicValueFallsBackThroughKafkasChain(t *testing.T) {
	f := func(l Layers, wantValue string, wantSource Source, wantSynonyms ...Synonym) {
		t.Helper()
		e, ok := l.TopicSetting("retention.ms")
		if !ok || e.Value != wantValue || e.Source != wantSource || !slices.Equal(e.Synonyms, wantSynonyms) {
			t.Errorf("retention.ms is %q from %d with %v, want %q from %d with %v",
				e.Value, e.Source, e.Synonyms, wantValue, wantSource, wantSynonyms)
		}
	}
	def := Synonym{"log.retention.hours", "168", FromDefault}
	f(Layers{}, "604800000", FromDefault, def)
	static := map[string]string{"log.retention.minutes": " 5 ", "log.retention.hours": "-1"}
	f(Layers{Static: static}, "300000", FromStatic,
		Synonym{"log.retention.minutes", "5", FromStatic}, Synonym{"log.retention.hours", "-1", FromStatic}, def)
	f(Layers{Static: map[string]string{"log.retention.hours": "-1"}}, "-1", FromStatic,
		Synonym{"log.retention.hours", "-1", FromStatic}, def)
	cluster := map[string]string{"log.retention.ms": "7"}
	f(Layers{BrokerDefault: cluster}, "7", FromBrokerDefault, Synonym{"log.retention.ms", "7", FromBrokerDefault}, def)
	f(Layers{Topic: map[string]string{"retention.ms": "1"}, Broker: map[string]string{"log.retention.ms": "9"}, BrokerDefault: cluster}, "1", FromTopic,
		Synonym{"retention.ms", "1", FromTopic}, Synonym{"log.retention.ms", "9", FromBroker},
		Synonym{"log.retention.ms", "7", FromBrokerDefault}, def)
	if _, ok := (Layers{}).TopicSetting("no.such"); ok {
		t.Error("no.such was resolved")
	}
}

func TestMinInsyncReplicasDefaultsToAMajority(t *testing.T) {
	for factor, want := range map[int]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 3, 5: 3} {
		v, err := Layers{ReplicationFactor: factor}.TopicValues()
		if err != nil || v.MinInsyncReplicas != want {
			t.Errorf("replication factor %d: %d, %v; want %d", factor, v.MinInsyncReplicas, err, want)
		}
	}
	l := Layers{ReplicationFactor: 3, Static: map[string]string{"min.insync.replicas": "1"}}
	if v, err := l.TopicValues(); err != nil || v.MinInsyncReplicas != 1 {
		t.Errorf("set to 1: %d, %v", v.MinInsyncReplicas, err)
	}
}

func TestBrokerValueIsItsOwnAndSynonymsShowTheChain(t *testing.T) {
	l := Layers{Static: map[string]string{"log.retention.hours": "2", "num.partitions": "3"}}
	e, _ := l.BrokerSetting("log.retention.ms")
	if !e.IsNull || e.Source != FromDefault || len(e.Synonyms) != 2 {
		t.Errorf("log.retention.ms: %+v", e)
	}
	e, _ = l.BrokerSetting("num.partitions")
	if e.Value != "3" || e.Source != FromStatic || e.IsNull {
		t.Errorf("num.partitions: %+v", e)
	}
	if n := len(l.BrokerSettings()); n != len(Broker()) {
		t.Errorf("%d broker settings, want %d", n, len(Broker()))
	}
}

func TestTopicValuesAreTyped(t *testing.T) {
	l := Layers{Topic: map[string]string{
		"cleanup.policy": "compact, delete", "compression.type": "zstd", "compression.zstd.level": "7", "preallocate": "TRUE",
		"message.timestamp.type": "LogAppendTime", "min.cleanable.dirty.ratio": "0.25", "retention.ms": "-1", "segment.ms": "1500",
	}}
	v, err := l.TopicValues()
	if err != nil {
		t.Fatal(err)
	}
	want := TopicValues{
		Delete: true, Compact: true, CompressionType: "zstd", CompressionLevel: 7, MaxMessageBytes: 1048588,
		MaxDecompressedBytes: 1 << 28, LogAppendTime: true, TimestampBeforeMax: math.MaxInt64, TimestampAfterMax: time.Hour,
		MinInsyncReplicas: 1, SegmentBytes: 1 << 30, SegmentAge: 1500 * time.Millisecond, IndexBytes: 10 << 20,
		IndexIntervalBytes: 4096, Preallocate: true, FileDeleteDelay: time.Minute, RetentionBytes: -1,
		RetentionAge: -time.Millisecond, FlushMessages: math.MaxInt64, FlushInterval: math.MaxInt64,
		DeleteRetention: 24 * time.Hour, MaxCompactionLag: math.MaxInt64, MinCleanableDirtyRatio: 0.25,
		ProducerIDExpiration: 24 * time.Hour,
	}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got %+v\nwant %+v", v, want)
	}
}

func TestErrorsNameTheSettingAndWhatItTakes(t *testing.T) {
	f := func(values map[string]string, want string) {
		t.Helper()
		err := ValidateTopic(values)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
	f(map[string]string{"segment.bytes": "100"}, "segment.bytes: 100 is below the least allowed value 1048576")
	f(map[string]string{"segment.bytes": "9999999999"}, `segment.bytes: "9999999999" is not a whole number from -2147483648 to 2147483647`)
	f(map[string]string{"cleanup.policy": "compact,shred"}, `cleanup.policy: "shred" is not one of compact, delete`)
	f(map[string]string{"compression.gzip.level": "0"}, "compression.gzip.level: 0 is not a level; use -1 for the default, 1 to 9, or compression.type=uncompressed")
	f(map[string]string{"min.cleanable.dirty.ratio": "1.5"}, "min.cleanable.dirty.ratio: 1.5 is above the greatest allowed value 1")
	f(map[string]string{"preallocate": "yes"}, `preallocate: "yes" is neither true nor false`)
	f(map[string]string{"min.compaction.lag.ms": "5", "max.compaction.lag.ms": "3"}, "min.compaction.lag.ms: 5 is above max.compaction.lag.ms, which is 3")
	f(map[string]string{"retention.sm": "5"}, "unknown topic setting retention.sm; did you mean retention.ms?")
	f(map[string]string{"entirely.else": "5"}, "unknown topic setting entirely.else")
	f(map[string]string{"remote.storage.enable": "true"}, "topic setting remote.storage.enable is not served by chronik: tiered storage is not served")
	f(map[string]string{"cleanup.policy": "", "retention.bytes": "-7", "retention.ms": " -1 "}, "")
}

func TestOnlyClusterWideBrokerSettingsAlterAtRunTime(t *testing.T) {
	if err := ValidateDynamicBroker(map[string]string{"log.retention.ms": "5", "message.max.bytes": "9"}); err != nil {
		t.Error(err)
	}
	err := ValidateDynamicBroker(map[string]string{"num.partitions": "5", "node.id": "9"})
	var readOnly *ReadOnlyError
	if !errors.As(err, &readOnly) || !slices.Equal(readOnly.Names, []string{"node.id", "num.partitions"}) {
		t.Errorf("read-only settings: %v", err)
	}
	err = ValidateDynamicBroker(map[string]string{"num.io.threads": "5"})
	var unknown *UnknownError
	if !errors.As(err, &unknown) || unknown.Reason == "" {
		t.Errorf("num.io.threads: %v", err)
	}
	if err := ValidateGroup(map[string]string{"consumer.session.timeout.ms": "5"}); !errors.As(err, &unknown) || unknown.Reason == "" {
		t.Errorf("group setting: %v", err)
	}
	if err := ValidateGroup(nil); err != nil {
		t.Error(err)
	}
}

func TestEveryTopicSettingChangesTheTypedValues(t *testing.T) {
	others := map[string]string{
		"cleanup.policy": "compact", "compression.type": "zstd", "message.timestamp.type": "LogAppendTime", "preallocate": "true",
		"min.cleanable.dirty.ratio": "0.25", "segment.bytes": "1048577",
		"leader.replication.throttled.replicas": "*", "follower.replication.throttled.replicas": "0:1",
	}
	for _, d := range Topic() {
		if d.Name == "unclean.leader.election.enable" {
			continue // the controller's, and nothing to the log
		}
		value, ok := others[d.Name]
		if !ok {
			value = "5"
		}
		topic := map[string]string{}
		for _, codec := range []string{"gzip", "lz4", "zstd"} {
			if d.Name == "compression."+codec+".level" {
				topic["compression.type"] = codec
			}
		}
		before, err := Layers{Topic: topic}.TopicValues()
		if err != nil {
			t.Fatal(err)
		}
		topic[d.Name] = value
		if err := ValidateTopic(topic); err != nil {
			t.Fatal(err)
		}
		if after, err := (Layers{Topic: topic}).TopicValues(); err != nil || reflect.DeepEqual(after, before) {
			t.Errorf("%s=%s changes nothing (%v)", d.Name, value, err)
		}
	}
}
