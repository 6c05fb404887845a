package settings

import (
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/isr"
)

// Source is where a value comes from; the numbers are Kafka's in
// DescribeConfigs.
type Source int8

// The sources, with Kafka's wire numbers.
const (
	FromTopic         Source = 1 // set for the topic
	FromBroker        Source = 2 // altered at run time for this broker
	FromBrokerDefault Source = 3 // altered at run time for all brokers
	FromStatic        Source = 4 // file, environment or flag
	FromDefault       Source = 5
	FromGroup         Source = 8 // set for the group
)

// Layers are the places a value may come from, nearest first. Nil maps are
// empty. The maps are read only.
type Layers struct {
	Topic         map[string]string // set for the topic
	Broker        map[string]string // altered at run time for this broker
	BrokerDefault map[string]string // altered at run time for all brokers
	Static        map[string]string // file, environment and flags
	// ReplicationFactor is the topic's; min.insync.replicas is a majority of
	// it where nothing sets that. 0 counts as 1.
	ReplicationFactor int
}

// Synonym is one place that gives, or would give, a setting its value.
type Synonym struct {
	Name   string
	Value  string
	Source Source
}

// Effective is a setting with its value.
type Effective struct {
	*Definition
	// Value counts where IsNull is not set.
	Value  string
	IsNull bool
	Source Source
	// Synonyms are all the places that give a value, the one in force first.
	Synonyms []Synonym
}

// TopicSettings resolves every setting of a topic, by name.
func (l Layers) TopicSettings() []Effective {
	all := make([]Effective, len(topicTable))
	for i := range topicTable {
		all[i] = l.topicSetting(&topicTable[i])
	}
	return all
}

// BrokerSettings resolves every setting of a broker, by name.
func (l Layers) BrokerSettings() []Effective {
	all := make([]Effective, len(brokerTable))
	for i := range brokerTable {
		all[i] = l.brokerSetting(&brokerTable[i])
	}
	return all
}

// TopicSetting resolves one setting of a topic.
func (l Layers) TopicSetting(name string) (Effective, bool) {
	d, ok := LookupTopic(name)
	if !ok {
		return Effective{}, false
	}
	return l.topicSetting(d), true
}

// BrokerSetting resolves one setting of a broker.
func (l Layers) BrokerSetting(name string) (Effective, bool) {
	d, ok := LookupBroker(name)
	if !ok {
		return Effective{}, false
	}
	return l.brokerSetting(d), true
}

func (l Layers) topicSetting(d *Definition) Effective {
	e := Effective{Definition: d, Source: FromDefault}
	if value, ok := l.Topic[d.Name]; ok {
		e.Synonyms = append(e.Synonyms, Synonym{d.Name, d.Normalize(value), FromTopic})
	}
	e.Synonyms = l.appendBrokerSynonyms(e.Synonyms, d.Fallbacks)
	switch {
	case len(e.Synonyms) > 0:
	case d.Null: // only min.insync.replicas has no default anywhere in its chain
		e.Value = strconv.Itoa(l.majority())
		return e
	default: // a setting that no broker's is the default of
		e.Value = d.Default
		return e
	}
	first := e.Synonyms[0]
	e.Value, e.Source = inMilliseconds(first.Name, first.Value), first.Source
	return e
}

// majority is chronik's default of min.insync.replicas: with fewer in sync, an
// acknowledged record could be on a minority of the disks.
func (l Layers) majority() int { return isr.Majority(max(l.ReplicationFactor, 1)) }

// brokerSetting gives a broker's setting the value under its own name only, as
// Kafka does: log.retention.ms is null where log.retention.hours counts, and
// its synonyms say so.
func (l Layers) brokerSetting(d *Definition) Effective {
	e := Effective{Definition: d, IsNull: true, Source: FromDefault}
	own := l.appendBrokerSynonyms(nil, []string{d.Name})
	if len(own) > 0 {
		e.Value, e.IsNull, e.Source = own[0].Value, false, own[0].Source
	}
	e.Synonyms = own
	if len(d.Fallbacks) > 0 {
		e.Synonyms = l.appendBrokerSynonyms(nil, append([]string{d.Name}, d.Fallbacks...))
	}
	return e
}

func (l Layers) appendBrokerSynonyms(to []Synonym, names []string) []Synonym {
	layers := [...]struct {
		values map[string]string
		source Source
	}{{l.Broker, FromBroker}, {l.BrokerDefault, FromBrokerDefault}, {l.Static, FromStatic}}
	for _, layer := range layers {
		for _, name := range names {
			if value, ok := layer.values[name]; ok {
				to = append(to, Synonym{name, normalize(name, value), layer.source})
			}
		}
	}
	for _, name := range names {
		if d, ok := LookupBroker(name); ok && !d.Null {
			to = append(to, Synonym{name, d.Default, FromDefault})
		}
	}
	return to
}

func normalize(name, value string) string {
	if d, ok := LookupBroker(name); ok {
		return d.Normalize(value)
	}
	return value
}

// inMilliseconds converts the value of a broker's setting in minutes or hours
// for the topic's setting in milliseconds that falls back on it. Their values
// are 32 bits wide, so that the product fits.
func inMilliseconds(name, value string) string {
	unit := int64(1)
	switch {
	case strings.HasSuffix(name, ".hours"):
		unit = 3_600_000
	case strings.HasSuffix(name, ".minutes"):
		unit = 60_000
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if unit == 1 || err != nil || n < 0 {
		return value // negative stands for unlimited in every unit
	}
	return strconv.FormatInt(n*unit, 10)
}
