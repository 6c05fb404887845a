package sim

import "testing"

// BenchmarkRun is a seed: where its time goes is what -cpuprofile shows.
func BenchmarkRun(b *testing.B) {
	b.ReportAllocs()
	seed, events := uint64(0), 0
	for b.Loop() {
		seed++
		events += Run(Options{Seed: seed}).Stats.Events
	}
	b.ReportMetric(float64(events)/float64(b.N), "events/op")
}
