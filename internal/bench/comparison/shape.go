package comparison

import (
	"time"

	"github.com/chronik/chronik/internal/bench/report"
)

// Shape is one kind of load. Records are produced with acks=all, to topics with three
// replicas, by a client with its defaults.
type Shape struct {
	Name        string
	Short       string // what Choose calls it
	Reads       bool   // what an earlier shape has written to the topic, from its start
	Topic       string
	Partitions  int
	RecordBytes int
	// Callers is how many wait for each of their records; 0: records are handed over as
	// fast as they are taken.
	Callers int
	WarmUp  time.Duration
	Length  time.Duration // at most, of the measured time
	Verify  bool          // everything that was acknowledged is read back

	lines []line
}

// least is how long it takes at the least. What there is to read may be read soon.
func (s *Shape) least() time.Duration {
	if s.Reads {
		return s.WarmUp
	}
	return s.WarmUp + s.Length
}

// Length of the shapes' times by default.
const (
	UsualWarmUp = 3 * time.Second
	UsualLength = 10 * time.Second
	// readWarmUpShare is of the time that was written in: what there is to read is read soon.
	readWarmUpShare = 20
)

// Shapes is the table of what is measured, with goals for chronik.
func Shapes(warmUp, length time.Duration) []Shape {
	all := []Shape{
		{
			Name: "128 callers, each waits for its record of 256 B, 3 partitions", Short: "callers", Topic: "callers", Partitions: 3, RecordBytes: 256, Callers: 128,
			lines: []line{
				{what: "128 callers, 256 B, 3 partitions: acknowledged", unit: "records/s", better: report.More, of: rate,
					goals: []report.Goal{{Name: "required", Of: report.Value, Limit: 40_000}, {Name: "goal", Of: report.Ratio, Limit: 10}}},
				{what: "128 callers, 256 B, 3 partitions: p99", unit: "ms", better: report.Less, of: p99,
					goals: []report.Goal{{Name: "required", Of: report.Value, Limit: 100}}},
			},
		},
		{
			Name: "one caller, 1 KiB", Short: "one", Topic: "caller", Partitions: 1, RecordBytes: 1024, Callers: 1,
			lines: []line{
				{what: "one caller, 1 KiB: p50", unit: "ms", better: report.Less, of: p50, goals: []report.Goal{{Of: report.Ratio, Limit: 0.5}}},
				{what: "one caller, 1 KiB: p99", unit: "ms", better: report.Less, of: p99, goals: []report.Goal{{Of: report.Value, Limit: 3}}},
			},
		},
		{
			Name: "100 B, as fast as it goes, 6 partitions", Short: "small", Topic: "small", Partitions: 6, RecordBytes: 100,
			lines: []line{
				{what: "100 B, as fast as it goes, 6 partitions", unit: "records/s", better: report.More, of: rate, bounded: true,
					goals: []report.Goal{{Of: report.Ratio, Limit: 2}}},
			},
		},
		{
			Name: "1 KiB, as fast as it goes, 12 partitions", Short: "large", Topic: "large", Partitions: 12, RecordBytes: 1024,
			lines: []line{
				{what: "1 KiB, as fast as it goes, 12 partitions", unit: "records/s", better: report.More, of: rate, bounded: true,
					goals: []report.Goal{{Of: report.Ratio, Limit: 2}}},
				{what: "1 KiB, as fast as it goes: servers' processor time", unit: "s/GB", better: report.Less, of: processorPerGB,
					goals: []report.Goal{{Of: report.Ratio, Limit: 0.35}}},
				{what: "1 KiB, as fast as it goes: memory of a node", unit: "MB", better: report.Less, of: residentMB, goals: []report.Goal{{Of: report.Value, Limit: 150}}},
			},
		},
		{
			Name: "read 1 KiB, hot, 12 partitions", Short: "read", Reads: true, Topic: "large", Partitions: 12, RecordBytes: 1024,
			lines: []line{
				{what: "read 1 KiB, hot, 12 partitions", unit: "records/s", better: report.More, of: rate, goals: []report.Goal{{Of: report.Ratio, Limit: 1.3}}},
			},
		},
	}
	for i := range all {
		s := &all[i]
		s.WarmUp, s.Length, s.Verify = warmUp, length, !s.Reads
		if s.Reads {
			s.WarmUp = min(warmUp, length/readWarmUpShare)
		}
	}
	return all
}
