// Package measure turns what single records saw into a result.Side: counts, quantiles and
// a point a second.
//
// Times are durations since a run began. A window of them is measured. What was
// acknowledged within it is counted, for throughput; the latencies that count are those
// of what was due within it, whenever it was acknowledged: a backlog of the warm-up says
// nothing about the window, and a stall at its end must not hide what it holds up.
//
// Each caller has a Recorder, whose lock nobody else takes but once a second. The Collector
// gathers from all of them. The package starts no goroutine. Lock order: Recorder.mu →
// Collector.mu.
package measure
