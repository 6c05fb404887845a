package settings

import (
	"slices"
	"strings"
)

// reasoned is a reason that several names share.
type reasoned struct {
	reason string
	names  []string // sorted
}

// prefixed are names that Kafka's users make up, such as
// listener.name.internal.max.connections.
var prefixed = [...]struct{ prefix, reason string }{
	{listenerPrefix, "of the settings of a single listener only those for TLS are served"},
	{"config.providers.", "chronik runs no Java classes"},
	{"rsm.config.", "tiered storage is not served yet"},
	{"rlmm.config.", "tiered storage is not served yet"},
}

// unservedGroupTable holds Kafka's group settings, with the reason.
var unservedGroupTable = [...]reasoned{
	{"the consumer group protocol of KIP-848 is not served yet", []string{
		"consumer.assignment.interval.ms", "consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"}},
	{"share groups are not served yet", []string{
		"share.assignment.interval.ms", "share.auto.offset.reset", "share.delivery.count.limit", "share.heartbeat.interval.ms",
		"share.isolation.level", "share.partition.max.record.locks", "share.record.lock.duration.ms",
		"share.renew.acknowledge.enable", "share.session.timeout.ms"}},
	{"streams groups are not served yet", []string{
		"streams.assignment.interval.ms", "streams.heartbeat.interval.ms", "streams.initial.rebalance.delay.ms",
		"streams.num.standby.replicas", "streams.session.timeout.ms"}},
}

// Unused gives every broker setting of Kafka's that does nothing in chronik,
// with a one-line reason.
func Unused() map[string]string {
	all := make(map[string]string)
	for _, r := range unusedTable {
		for _, name := range r.names {
			all[name] = r.reason
		}
	}
	return all
}

// UnusedReason says why one of Kafka's broker settings does nothing; false
// where Kafka has no such setting, or chronik serves it.
func UnusedReason(name string) (reason string, ok bool) {
	// Of TLS a listener may have what all listeners may: a name that Kafka does not have
	// is a mistake, by which a port would be open that somebody has closed.
	if rest, ok := strings.CutPrefix(name, listenerPrefix); ok {
		if i := strings.Index(rest, ".ssl."); i >= 0 {
			return lookupReason(unusedTable[:], rest[i+1:])
		}
	}
	if reason, ok := lookupReason(unusedTable[:], name); ok {
		return reason, true
	}
	for _, p := range prefixed {
		if strings.HasPrefix(name, p.prefix) {
			return p.reason, true
		}
	}
	return "", false
}

func lookupReason(table []reasoned, name string) (string, bool) {
	for _, r := range table {
		if _, ok := slices.BinarySearch(r.names, name); ok {
			return r.reason, true
		}
	}
	return "", false
}
