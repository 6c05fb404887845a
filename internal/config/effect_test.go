package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/settings"
)

// TestEveryBrokerSettingReachesTheConfigOrTheTopics gives each setting another
// value than its default, and expects the typed values to differ. What becomes
// of those is for the tests of their users.
func TestEveryBrokerSettingReachesTheConfigOrTheTopics(t *testing.T) {
	const (
		twoNodes = "node.id=1\npeers=2@localhost:9193"
		ssl      = "listeners=SSL://:1\n"
		asking   = ssl + "ssl.keystore.location=/k\nssl.client.auth=required\n"
	)
	// Settings whose other value must be written by hand, or needs company.
	special := map[string]struct{ value, company string }{
		"advertised.listeners":                    {value: "PLAINTEXT://x:1"},
		"auto.leader.rebalance.enable":            {value: "false", company: twoNodes},
		"leader.imbalance.check.interval.seconds": {value: "7", company: twoNodes},
		"balancer.check.interval.seconds":         {value: "7", company: twoNodes},
		"balancer.enable":                         {value: "true", company: twoNodes},
		"balancer.max.bytes.per.second":           {value: "7", company: twoNodes},
		"broker.id":                               {value: "9"},
		"broker.heartbeat.interval.ms":            {value: "100", company: twoNodes},
		"broker.rack":                             {value: "r"},
		"broker.session.timeout.ms":               {value: "3000", company: twoNodes},
		"compression.gzip.level":                  {value: "5", company: "compression.type=gzip"},
		"compression.lz4.level":                   {value: "5", company: "compression.type=lz4"},
		"compression.type":                        {value: "zstd"},
		"compression.zstd.level":                  {value: "5", company: "compression.type=zstd"},
		"controller.listener.names":               {value: "B", company: "listeners=A://:1,B://:2\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT"},
		"controller.quorum.voters":                {value: "1@localhost:1,2@localhost:2", company: "node.id=1"},
		"listener.security.protocol.map":          {value: "A:PLAINTEXT", company: "listeners=A://:1"},
		"listeners":                               {value: "PLAINTEXT://:1"},
		"log.cleaner.min.cleanable.ratio":         {value: "0.25"},
		"log.cleanup.policy":                      {value: "compact"},
		"log.dir":                                 {value: "/x"},
		"log.dirs":                                {value: "/x"},
		"log.message.timestamp.type":              {value: "LogAppendTime"},
		"max.connections.per.ip.overrides":        {value: "10.0.0.1:5"},
		"min.insync.replicas":                     {value: "2"},
		"replica.selector.class":                  {value: settings.RackAwareReplicaSelector},
		"ssl.client.auth":                         {value: "requested", company: ssl + "ssl.keystore.location=/k\nssl.truststore.location=/t"},
		"ssl.enabled.protocols":                   {value: "TLSv1.3", company: ssl + "ssl.keystore.location=/k"},
		"ssl.key.password":                        {value: "text", company: ssl + "ssl.keystore.location=/k"},
		"ssl.keystore.certificate.chain":          {value: "text", company: ssl + "ssl.keystore.key=text"},
		"ssl.keystore.key":                        {value: "text", company: ssl + "ssl.keystore.certificate.chain=text"},
		"ssl.keystore.location":                   {value: "/k", company: ssl},
		"ssl.truststore.certificates":             {value: "text", company: asking},
		"ssl.truststore.location":                 {value: "/t", company: asking},
		"unclean.leader.election.enable":          {value: "true", company: twoNodes},
	}
	for _, d := range settings.Broker() {
		s, ok := special[d.Name]
		switch {
		case d.Name == "replica.alter.log.dirs.io.max.bytes.per.second":
			continue // partition.Set reads it from the metadata, and what was given with it
		case d.Name == "process.roles", strings.HasSuffix(d.Name, "store.type"):
			continue // takes one value only
		case d.Update == settings.DynamicOnly:
			continue // is not given at the start
		case ok:
		case d.Type == settings.Boolean:
			s.value = strconv.FormatBool(d.Default != "true")
		default:
			s.value = anotherNumber(t, &d)
		}
		without, withoutErr := typed(t, s.company)
		with, err := typed(t, s.company+"\n"+d.Name+"="+s.value)
		if err != nil {
			t.Errorf("%s=%s: %v", d.Name, s.value, err)
		} else if withoutErr == nil && reflect.DeepEqual(with, without) {
			t.Errorf("%s=%s changes nothing", d.Name, s.value)
		}
	}
}

// anotherNumber finds a number that the setting takes and that is not its default.
func anotherNumber(t *testing.T, d *settings.Definition) string {
	t.Helper()
	for n := int64(1_048_589); ; n++ {
		text := strconv.FormatInt(n, 10)
		if d.Type == settings.Short || d.Name == "default.replication.factor" {
			text = "2"
		}
		if err := d.Validate(text); err != nil {
			t.Fatalf("no other value found: %v", err)
		}
		if text != d.Default {
			return text
		}
	}
}

type typedValues struct {
	config Config
	topic  settings.TopicValues
}

// typed loads a file, and drops what only repeats it.
func typed(t *testing.T, file string) (typedValues, error) {
	t.Helper()
	c, err := user{file: file + "\n"}.load(t)
	if err != nil {
		return typedValues{}, err
	}
	topic, err := settings.Layers{Static: c.Static, ReplicationFactor: 1}.TopicValues()
	c.Static, c.Ignored = nil, nil
	return typedValues{config: *c, topic: topic}, err
}
