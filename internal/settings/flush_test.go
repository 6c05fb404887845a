package settings

import (
	"math"
	"testing"
	"time"
)

func TestFlushIsRelaxedWhereAValueIsSetOnPurpose(t *testing.T) {
	f := func(messages int64, interval time.Duration, want bool) {
		t.Helper()
		if got := FlushRelaxed(messages, interval); got != want {
			t.Errorf("FlushRelaxed(%d, %s) = %v", messages, interval, got)
		}
	}
	const never = math.MaxInt64
	f(never, never, false)
	f(0, 0, false)
	f(1, never, false)
	f(2, never, true)
	f(never, time.Millisecond, true)
	f(1, time.Millisecond, true)
}

func TestFlushIsRelaxedByTheNearestLayer(t *testing.T) {
	f := func(l Layers, unknown, want bool) {
		t.Helper()
		if got := l.FlushRelaxed(unknown); got != want {
			t.Errorf("%+v, unknown %v: %v", l, unknown, got)
		}
	}
	type values = map[string]string
	strict := values{"flush.messages": "1", "flush.ms": "9223372036854775807"}
	f(Layers{}, false, false)
	f(Layers{}, true, true)
	f(Layers{Topic: values{"flush.ms": "100"}}, false, true)
	f(Layers{Topic: strict}, true, false)
	f(Layers{Topic: values{"flush.messages": "1"}}, true, true) // flush.ms may be as unknown says
	f(Layers{Topic: values{"flush.messages": "1"}, BrokerDefault: values{"log.flush.interval.ms": "9223372036854775807"}}, true, false)
	f(Layers{Topic: values{"flush.messages": "1"}, BrokerDefault: values{"log.flush.interval.ms": "5"}}, false, true)
	f(Layers{Topic: strict, Broker: values{"log.flush.interval.messages": "5"}}, false, false)
	f(Layers{Static: values{"log.flush.scheduler.interval.ms": "5"}}, false, true)
	f(Layers{Topic: values{"flush.ms": "soon"}}, false, true)
}

func TestSettingsThatDecideFlush(t *testing.T) {
	for _, name := range []string{"flush.messages", "flush.ms", "log.flush.interval.messages", "log.flush.interval.ms", "log.flush.scheduler.interval.ms"} {
		if !DecidesFlush(name) {
			t.Error(name)
		}
	}
	for _, name := range []string{"retention.ms", "log.flush.offset.checkpoint.interval.ms", ""} {
		if DecidesFlush(name) {
			t.Error(name)
		}
	}
}
