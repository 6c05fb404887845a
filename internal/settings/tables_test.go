package settings

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// names reads a list of Kafka 4.3's setting names, dumped from its ConfigDef.
func names(t testing.TB, file string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// ownNames are broker settings that Kafka 4.3 does not list.
func ownNames() []string {
	return []string{
		"max.decompressed.message.bytes", // Kafka 4.4's
		"follower.replication.throttled.rate", "leader.replication.throttled.rate",
		"replica.alter.log.dirs.io.max.bytes.per.second", // of QuotaConfig: dynamic alone
		"balancer.check.interval.seconds", "balancer.enable", "balancer.max.bytes.per.second",
	}
}

func TestEveryKafkaBrokerNameIsEitherServedOrUnusedWithAReason(t *testing.T) {
	kafka := names(t, "kafka-4.3-broker-names.txt")
	if len(kafka) != 360 {
		t.Fatalf("the list has %d names, want 360", len(kafka))
	}
	for _, name := range kafka {
		_, served := LookupBroker(name)
		reason, unused := UnusedReason(name)
		if served == unused {
			t.Errorf("%s: served %t, unused %t (%s)", name, served, unused, reason)
		}
		if unused && reason == "" {
			t.Errorf("%s is unused without a reason", name)
		}
	}
}

func TestEveryServedBrokerNameIsKafkasOrDeclaredOwn(t *testing.T) {
	kafka := append(names(t, "kafka-4.3-broker-names.txt"), ownNames()...)
	for _, d := range Broker() {
		if !slices.Contains(kafka, d.Name) {
			t.Errorf("%s is no setting of Kafka's", d.Name)
		}
	}
	for name := range Unused() {
		if _, served := LookupBroker(name); served {
			t.Errorf("%s is served, and listed as unused", name)
		}
	}
}

// What all listeners may have of TLS, one may have; other names of one are Kafka's, or
// nobody's.
func TestSettingsOfOneListener(t *testing.T) {
	for name, want := range map[string]string{
		"listener.name.out.ssl.client.auth":        "served",
		"listener.name.a.b.ssl.keystore.location":  "served",
		"listener.name..ssl.client.auth":           "unknown",
		"listener.name.ssl.client.auth":            "unused", // of a listener called ssl, as in listener.name.ssl.max.connections
		"listener.name.out.ssl.cipher.suites":      "unused",
		"listener.name.out.max.connections":        "unused",
		"listener.name.out.ssl.client.atuh":        "unknown",
		"listener.name.out.ssl.num.partitions":     "unknown",
		"listener.name.ssl.ssl.truststore.type":    "served",
		"listener.names.out.ssl.truststore.type":   "unknown",
		ListenerName("OUT", "ssl.keystore.key"):    "served",
		"listener.name.out.num.partitions":         "unused",
		"listener.name.out.ssl.truststore.typewrt": "unknown",
	} {
		got := "unknown"
		d, served := LookupListener(name)
		if _, unused := UnusedReason(name); unused {
			got = "unused"
		} else if served {
			got = "served"
		}
		if got != want || served && d.Name != name {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestEveryKafkaTopicAndGroupNameIsEitherServedOrHasAReason(t *testing.T) {
	kafka := names(t, "kafka-4.3-topic-names.txt")
	for _, name := range kafka {
		_, served := LookupTopic(name)
		if _, unserved := UnservedTopic(name); served == unserved {
			t.Errorf("topic setting %s: served %t, unserved %t", name, served, unserved)
		}
	}
	for _, d := range Topic() {
		if !slices.Contains(kafka, d.Name) {
			t.Errorf("topic setting %s is not Kafka's", d.Name)
		}
	}
	for _, name := range names(t, "kafka-4.3-group-names.txt") {
		if _, ok := lookupReason(unservedGroupTable[:], name); !ok {
			t.Errorf("group setting %s has no reason", name)
		}
	}
}

func TestTablesAreSortedAndComplete(t *testing.T) {
	for _, table := range [][]Definition{Topic(), Broker(), Process()} {
		for i, d := range table {
			if i > 0 && table[i-1].Name >= d.Name {
				t.Errorf("%s does not come after %s", d.Name, table[i-1].Name)
			}
			checkDefinition(t, &d)
		}
	}
	for _, table := range [][]reasoned{unusedTable[:], unservedTopicTable[:], unservedGroupTable[:]} {
		for _, r := range table {
			if r.reason == "" || len(r.names) == 0 || !slices.IsSorted(r.names) {
				t.Errorf("%q: names %v", r.reason, r.names)
			}
		}
	}
}

func checkDefinition(t *testing.T, d *Definition) {
	t.Helper()
	if d.Doc == "" || !strings.HasSuffix(d.Doc, ".") {
		t.Errorf("%s: documentation %q is no sentence", d.Name, d.Doc)
	}
	if d.Scope == 0 || d.Type < Boolean || d.Type > Password {
		t.Errorf("%s: scope %d, type %d", d.Name, d.Scope, d.Type)
	}
	if !d.Null {
		if err := d.Validate(d.Default); err != nil && d.Default != "" {
			t.Errorf("the default is refused: %v", err)
		}
	}
	for _, name := range d.Fallbacks {
		f, ok := LookupBroker(name)
		if !ok {
			t.Errorf("%s falls back on %s, which is no broker setting", d.Name, name)
			continue
		}
		if f.Type != d.Type && !strings.HasSuffix(name, "s") {
			t.Errorf("%s (%s) falls back on %s (%s)", d.Name, d.Type, name, f.Type)
		}
	}
}

func TestTopicDefaultIsTheLastFallbacksDefault(t *testing.T) {
	var l Layers
	for _, e := range l.TopicSettings() {
		want := e.Definition.Default
		if e.Definition.Null {
			want = "1"
		}
		if e.Value != want || e.Source != FromDefault || e.IsNull {
			t.Errorf("%s is %q from %d, want %q by default", e.Name, e.Value, e.Source, want)
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("segment.bytes", "1048576")
	f.Add("cleanup.policy", "compact, delete")
	f.Add("min.cleanable.dirty.ratio", "NaN")
	f.Add("max.connections.per.ip.overrides", "[::1]:5,10.0.0.1:7")
	f.Add("segment.bites", "1")
	f.Fuzz(func(t *testing.T, name, value string) {
		if ValidateTopic(map[string]string{name: value}) == nil {
			l := Layers{Topic: map[string]string{name: value}}
			if _, err := l.TopicValues(); err != nil {
				t.Fatalf("%s=%q was accepted and cannot be read: %v", name, value, err)
			}
		}
		if ValidateDynamicBroker(map[string]string{name: value}) == nil {
			l := Layers{BrokerDefault: map[string]string{name: value}}
			if _, err := l.TopicValues(); err != nil {
				t.Fatalf("%s=%q was accepted and cannot be read: %v", name, value, err)
			}
		}
		_, _ = ParseConnectionOverrides(value)
	})
}
