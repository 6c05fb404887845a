package load

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/measure"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/verify"
)

// instant acknowledges records at once, and ends the run after so many.
type instant struct {
	left int
	end  func()
}

func (i *instant) Produce(_ context.Context, r *kgo.Record, done func(*kgo.Record, error)) {
	done(r, nil)
	if i.left--; i.left == 0 {
		i.end()
	}
}

// write has a writer write so many records to an instant cluster.
func write(records int, start func(writer) interface{ run(context.Context) }) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k := newTimekeeper(&Plan{Duration: time.Hour})
	collector := measure.NewCollector(k.window)
	start(writer{
		turns: &turns{timekeeper: k}, to: &instant{left: records, end: cancel}, recorder: collector.Recorder(), page: verify.NewLedger(1).Page(0),
		maker: payload.NewMaker(payload.Shape{Size: 100, Pattern: payload.Random}, payload.Keys{}, 1, 1),
	}).run(ctx)
}

// TestRecordsAreNotAllocated one by one: what 100,000 of them take is what a writer takes,
// and what a second of figures does.
func TestRecordsAreNotAllocated(t *testing.T) {
	for name, start := range map[string]func(writer) interface{ run(context.Context) }{"a caller": callers, "a flood": floods} {
		const few, many = 1_000, 101_000
		base := testing.AllocsPerRun(1, func() { write(few, start) })
		if got := testing.AllocsPerRun(1, func() { write(many, start) }); got > base+1_000 {
			t.Errorf("%s: %g allocations for %d records more", name, got-base, many-few)
		}
	}
}

// BenchmarkWriters is what a record costs the benchmark itself, of 100 bytes, without a
// client.
func BenchmarkWriters(b *testing.B) {
	for name, start := range map[string]func(writer) interface{ run(context.Context) }{"caller": callers, "flood": floods} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			write(b.N, start)
		})
	}
}
