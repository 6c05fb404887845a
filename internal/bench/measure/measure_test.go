package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestQuantilesAreThoseOfTheSamples, to a thousandth, and never better than they are.
func TestQuantilesAreThoseOfTheSamples(t *testing.T) {
	c := NewCollector(NewWindow(0, time.Minute))
	r := c.Recorder()
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([]time.Duration, 10_000)
	sum := time.Duration(0)
	for i := range samples {
		samples[i] = time.Duration(math.Exp(random.NormFloat64()) * float64(2*time.Millisecond))
		sum += samples[i]
		r.Done(time.Second, time.Second+samples[i], 100)
	}
	slices.Sort(samples)
	side := c.Side("produce")
	for _, q := range []struct {
		name  string
		got   float64
		share float64
	}{
		{"p50", side.Latency.P50, 0.5}, {"p90", side.Latency.P90, 0.9}, {"p99", side.Latency.P99, 0.99},
		{"p99.9", side.Latency.P999, 0.999}, {"max", side.Latency.Max, 1},
	} {
		want := milliseconds(samples[int(q.share*float64(len(samples)))-1])
		if q.got < want || q.got > want*1.002 {
			t.Errorf("%s is %.4f ms, of the samples %.4f", q.name, q.got, want)
		}
	}
	if want := milliseconds(sum) / float64(len(samples)); math.Abs(side.Latency.Mean-want) > 1e-6 {
		t.Errorf("mean %f, want %f", side.Latency.Mean, want)
	}
	if side.Records != 10_000 || side.Bytes != 1_000_000 {
		t.Errorf("%d records, %d bytes", side.Records, side.Bytes)
	}
	counted, below := int64(0), 0.0
	for _, b := range side.Latency.Buckets {
		if b.To <= below || b.Count == 0 {
			t.Errorf("a bucket to %f after one to %f, of %d", b.To, below, b.Count)
		}
		counted, below = counted+b.Count, b.To
	}
	if counted != 10_000 || below < side.Latency.P999 {
		t.Errorf("buckets hold %d, up to %f", counted, below)
	}
}

// TestTheWindowDecidesWhatCounts: acknowledgements within it for throughput, and the
// latencies of what was due within it.
func TestTheWindowDecidesWhatCounts(t *testing.T) {
	const s = time.Second
	c := NewCollector(NewWindow(10*s, 13*s))
	r := c.Recorder()
	r.Done(8*s, 9*s, 1)           // the warm-up's
	r.Done(9*s, 10*s, 1)          // counts; its latency is the warm-up's
	r.Done(10*s, 12*s+s/2, 1)     // counts
	r.Done(12*s, 20*s, 1)         // too late to count, but held up for 8 s
	r.Done(13*s, 13*s, 1)         // after the end
	r.Failed(9*s, 9*s, "early")   // the warm-up's
	r.Failed(12*s, 40*s, "late")  // was due within
	r.Failed(11*s, 12*s, "in it") // and this in the third second
	c.Errors("not sent", 5)
	side := c.Side("produce")
	if side.Records != 2 || side.Over[0].Records != 1 || side.Over[2].Records != 1 || len(side.Over) != 3 {
		t.Errorf("counted %+v", side.Over)
	}
	if side.Latency.Max != 8000 || side.Latency.P50 < 2500 || side.Latency.P50 > 2502.5 {
		t.Errorf("latencies %+v", side.Latency)
	}
	if len(side.Errors) != 3 || side.Errors["late"] != 1 || side.Errors["in it"] != 1 || side.Errors["not sent"] != 5 {
		t.Errorf("errors %v", side.Errors)
	}
	if side.Over[2].Errors != 6 {
		t.Errorf("%d errors in the third second, want 6", side.Over[2].Errors)
	}
}

// TestACutWindowIsShorter, and what comes after the cut does not count.
func TestACutWindowIsShorter(t *testing.T) {
	w := NewWindow(0, 10*time.Second)
	c := NewCollector(w)
	r := c.Recorder()
	r.Done(0, time.Second, 1)
	w.Cut(1500 * time.Millisecond)
	w.Cut(5 * time.Second) // has ended already
	r.Done(time.Second, 2*time.Second, 1)
	side := c.Side("produce")
	if side.Records != 1 || len(side.Over) != 2 || w.Length() != 1500*time.Millisecond {
		t.Errorf("%d records, %d seconds, %s", side.Records, len(side.Over), w.Length())
	}
}

// TestASecondIsKnownWhileCallersGoOn, without any of them having to record more.
func TestASecondIsKnownWhileCallersGoOn(t *testing.T) {
	c := NewCollector(NewWindow(0, time.Minute))
	const callers, each = 8, 1000
	var all sync.WaitGroup
	for range callers {
		r := c.Recorder()
		all.Go(func() {
			for range each {
				r.Done(time.Second, time.Second+5*time.Millisecond, 2)
			}
		})
	}
	for range 100 {
		c.Second(1)
	}
	all.Wait()
	p := c.Second(1)
	if p.Records != callers*each || p.Bytes != 2*callers*each || p.P50 != 5 || p.Max != 5 {
		t.Errorf("%+v", p)
	}
	if empty := c.Second(7); empty.Records != 0 || empty.P99 != 0 {
		t.Errorf("a second in which nothing happened: %+v", empty)
	}
}

// TestNothingMeasuredIsAllZeros, as the format promises.
func TestNothingMeasuredIsAllZeros(t *testing.T) {
	side := NewCollector(NewWindow(0, 2*time.Second)).Side("consume")
	if side.Latency.Max != 0 || side.Latency.P50 != 0 || len(side.Latency.Buckets) != 0 || len(side.Over) != 2 {
		t.Errorf("%+v", side)
	}
}

// TestALatencyBeyondTheScaleKeepsItsMaximum.
func TestALatencyBeyondTheScaleKeepsItsMaximum(t *testing.T) {
	d := newDistribution(fine)
	d.add(3 * time.Hour)
	if s := d.summary(); s.Max != milliseconds(3*time.Hour) || s.P50 > s.Max {
		t.Errorf("%+v", s)
	}
}

func BenchmarkDone(b *testing.B) {
	r := NewCollector(NewWindow(0, time.Hour)).Recorder()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Done(time.Second, time.Second+time.Duration(i%1_000_000), 256)
	}
}
