package controller

import (
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/wire"
)

func topicResource(name string) meta.Resource {
	return meta.Resource{Type: meta.TopicResource, Name: name}
}

func (c *cluster) alter(r meta.Resource, ops ...ConfigOp) *wire.Error {
	c.t.Helper()
	return must[AlterConfigsResult](c, AlterConfigs{Resources: []AlterResource{{Resource: r, Ops: ops}}}).Resources[0].Err
}

func (c *cluster) replace(r meta.Resource, ops ...ConfigOp) *wire.Error {
	c.t.Helper()
	return must[AlterConfigsResult](c, AlterConfigs{Replace: true, Resources: []AlterResource{{Resource: r, Ops: ops}}}).Resources[0].Err
}

func set(name, value string) ConfigOp { return ConfigOp{Name: name, Op: SetConfig, Value: &value} }

func TestTopicSettingsAreAltered(t *testing.T) {
	c := newCluster(t, 1)
	c.create(topicOf("a", 1, 1))
	a := topicResource("a")
	f := func(err *wire.Error, want map[string]string) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		if got := c.image.Configs.Of(a); !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	f(c.alter(a, set("retention.ms", "5"), set("segment.ms", "7")), map[string]string{"retention.ms": "5", "segment.ms": "7"})
	f(c.alter(a, ConfigOp{Name: "retention.ms", Op: DeleteConfig}, ConfigOp{Name: "flush.ms", Op: DeleteConfig}), map[string]string{"segment.ms": "7"})
	// To a list that is not set, its default counts.
	f(c.alter(a, ConfigOp{Name: "cleanup.policy", Op: AppendConfig, Value: text("compact")}), map[string]string{"segment.ms": "7", "cleanup.policy": "delete,compact"})
	f(c.alter(a, ConfigOp{Name: "cleanup.policy", Op: AppendConfig, Value: text("compact, delete")}), map[string]string{"segment.ms": "7", "cleanup.policy": "delete,compact"})
	f(c.alter(a, ConfigOp{Name: "cleanup.policy", Op: SubtractConfig, Value: text("delete")}), map[string]string{"segment.ms": "7", "cleanup.policy": "compact"})
	f(c.replace(a, set("retention.ms", "9"), set("segment.ms", "7")), map[string]string{"retention.ms": "9", "segment.ms": "7"})
	f(c.replace(a), nil)
}

func TestUnchangedSettingsMakeNoRecords(t *testing.T) {
	c := newCluster(t, 1)
	c.create(topicOf("a", 1, 1))
	command := AlterConfigs{Resources: []AlterResource{{Resource: topicResource("a"), Ops: []ConfigOp{set("retention.ms", "5")}}}}
	must[AlterConfigsResult](c, command)
	if records, _, err := command.Decide(c.image, c.env()); len(records) != 0 || err != nil {
		t.Errorf("%v, %v", records, err)
	}
}

func TestBrokerSettingsAreAltered(t *testing.T) {
	c := newCluster(t, 2)
	all, one := meta.Resource{Type: meta.BrokerResource}, meta.Resource{Type: meta.BrokerResource, Name: "1"}
	if err := c.alter(all, set("log.retention.ms", "5")); err != nil {
		t.Fatal(err)
	}
	if err := c.alter(meta.Resource{Type: meta.BrokerResource, Name: "01"}, set("log.retention.ms", "6")); err != nil {
		t.Fatal(err)
	}
	if c.image.Configs.Of(all)["log.retention.ms"] != "5" || c.image.Configs.Of(one)["log.retention.ms"] != "6" {
		t.Errorf("%v, %v", c.image.Configs.Of(all), c.image.Configs.Of(one))
	}
}

func TestAlterConfigsRefuses(t *testing.T) {
	c := newCluster(t, 1)
	c.create(topicOf("a", 1, 1))
	a := topicResource("a")
	broker := meta.Resource{Type: meta.BrokerResource}
	fails(t, c.alter(topicResource("none"), set("retention.ms", "5")), kerr.UnknownTopicOrPartition, "none")
	fails(t, c.alter(topicResource("a b"), set("retention.ms", "5")), kerr.InvalidTopicException, "a b")
	fails(t, c.alter(a, set("retention.ms", "x")), kerr.InvalidConfig, "retention.ms")
	fails(t, c.alter(a, set("no.such", "x")), kerr.InvalidConfig, "no.such")
	fails(t, c.alter(a, set("", "x")), kerr.InvalidRequest, "without a name")
	fails(t, c.alter(a, ConfigOp{Name: "retention.ms"}), kerr.InvalidRequest, "Null value")
	fails(t, c.alter(a, ConfigOp{Name: "retention.ms", Op: 9, Value: text("1")}), kerr.InvalidRequest, "operation 9")
	fails(t, c.alter(a, set("retention.ms", "5"), set("retention.ms", "6")), kerr.InvalidRequest, "duplicate config keys: retention.ms")
	fails(t, c.alter(a, ConfigOp{Name: "retention.ms", Op: AppendConfig, Value: text("1")}), kerr.InvalidConfig, "Can't append to key retention.ms")
	fails(t, c.alter(a, ConfigOp{Name: "retention.ms", Op: SubtractConfig, Value: text("1")}), kerr.InvalidConfig, "not LIST")
	fails(t, c.alter(a, ConfigOp{Name: "cleanup.policy", Op: AppendConfig, Value: text("shred")}), kerr.InvalidConfig, "shred")
	fails(t, c.alter(a, set("cleanup.policy", strings.Repeat("x", valueBytesMax+1))), kerr.InvalidConfig, "32768 bytes")
	fails(t, c.alter(a, set("min.compaction.lag.ms", "9"), set("max.compaction.lag.ms", "8")), kerr.InvalidConfig, "min.compaction.lag.ms")
	fails(t, c.replace(a, ConfigOp{Name: "retention.ms", Op: DeleteConfig}), kerr.InvalidRequest, "Unsupported operation")
	fails(t, c.alter(broker, set("node.id", "5")), kerr.InvalidRequest, "cannot update")
	fails(t, c.alter(broker, set("no.such", "5")), kerr.InvalidConfig, "no.such")
	fails(t, c.alter(broker, ConfigOp{Name: "log.retention.ms", Op: AppendConfig, Value: text("1")}), kerr.InvalidConfig, "not LIST")
	fails(t, c.alter(meta.Resource{Type: meta.BrokerResource, Name: "x"}, set("log.retention.ms", "5")), kerr.InvalidRequest, "integer")
	fails(t, c.alter(meta.Resource{Type: meta.BrokerResource, Name: "9"}, set("log.retention.ms", "5")), kerr.BrokerIDNotRegistered, "9")
	fails(t, c.alter(meta.Resource{Type: meta.GroupResource}, set("x", "5")), kerr.InvalidRequest, "Default group")
	fails(t, c.alter(meta.Resource{Type: meta.GroupResource, Name: "g"}, set("x", "5")), kerr.InvalidConfig, "x")
	fails(t, c.alter(meta.Resource{Type: 16, Name: "g"}, set("x", "5")), kerr.InvalidRequest, "type 16")
	for r := range c.image.Configs.All() {
		t.Errorf("%v has settings", r)
	}
	// Each resource by itself; one that is named twice is refused.
	c.create(topicOf("b", 1, 1))
	r := must[AlterConfigsResult](c, AlterConfigs{Resources: []AlterResource{
		{Resource: a, Ops: []ConfigOp{set("retention.ms", "1")}}, {Resource: topicResource("b"), Ops: []ConfigOp{set("retention.ms", "2")}}, {Resource: a},
	}}).Resources
	fails(t, r[0].Err, kerr.InvalidRequest, "at most once")
	fails(t, r[2].Err, kerr.InvalidRequest, "at most once")
	if r[1].Err != nil || c.image.Configs.Of(topicResource("b"))["retention.ms"] != "2" {
		t.Error(r[1].Err)
	}
}

// A setting that an earlier version knew stays, and does not stand in the way.
func TestForgottenSettingsDoNotStandInTheWay(t *testing.T) {
	c := newCluster(t, 1)
	c.create(topicOf("a", 1, 1))
	image, err := c.image.After([]meta.Record{&meta.ConfigRecord{Resource: topicResource("a"), Name: "old.setting", Value: "1"}}, c.image.Index)
	if err != nil {
		t.Fatal(err)
	}
	c.image = image
	if err := c.alter(topicResource("a"), set("retention.ms", "5")); err != nil {
		t.Error(err)
	}
	fails(t, c.alter(topicResource("a"), set("old.setting", "2")), kerr.InvalidConfig, "old.setting")
	if err := c.alter(topicResource("a"), ConfigOp{Name: "old.setting", Op: DeleteConfig}); err != nil {
		t.Error(err)
	}
}
