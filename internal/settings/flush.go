package settings

import (
	"math"
	"slices"
	"strconv"
	"time"
)

const (
	flushMessages = "flush.messages"
	flushInterval = "flush.ms"
)

// FlushRelaxed reports whether flush.messages or flush.ms let records be
// acknowledged before they are synced. Kafka's default for both, math.MaxInt64,
// is "never sync by yourself"; here that, 0, and flush.messages=1 mean a sync
// before every acknowledgement.
func FlushRelaxed(messages int64, interval time.Duration) bool {
	return messages > 1 && messages != math.MaxInt64 || interval > 0 && interval != math.MaxInt64
}

// FlushRelaxed is what the layers say of a topic. unknown says it of layers that
// are not at hand: it counts unless those that are have both settings.
func (l Layers) FlushRelaxed(unknown bool) bool {
	messages, messagesSet := l.flushSetting(flushMessages)
	millis, millisSet := l.flushSetting(flushInterval)
	return FlushRelaxed(messages, Milliseconds(millis)) || unknown && !(messagesSet && millisSet)
}

// flushSetting is a setting's value, and whether a layer has set it. One that is
// no number, which validation does not let through, counts as relaxed.
func (l Layers) flushSetting(name string) (value int64, set bool) {
	e, ok := l.TopicSetting(name)
	if !ok {
		panic("settings: BUG: no topic setting is called " + name)
	}
	value, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil {
		value = 2
	}
	return value, e.Source != FromDefault
}

// DecidesFlush reports whether a setting is flush.messages or flush.ms, or one of
// those of brokers that they fall back on.
func DecidesFlush(name string) bool {
	for _, topic := range [...]string{flushMessages, flushInterval} {
		if d, ok := LookupTopic(topic); ok && (name == topic || slices.Contains(d.Fallbacks, name)) {
			return true
		}
	}
	return false
}
