package limits

import (
	"fmt"
	"time"
)

// Line is a row of a table.
type Line struct{ What, Value string }

// Lines are the limits for people.
func (l Limits) Lines() []Line {
	rate := func(r Rate) string {
		return fmt.Sprintf("%.1f GB/s on one core, %.1f on %d", r.One, r.All, l.Cores)
	}
	syncs := func(s Syncs) string {
		return fmt.Sprintf("p50 %s, p99 %s, max %s; %.0f/s, %.0f MB/s", milliseconds(s.P50), milliseconds(s.P99), milliseconds(s.Max), s.PerSecond, s.MBPerSecond)
	}
	round, f := l.TCP.RoundTrip, l.Files
	return []Line{
		{"memcpy, beyond the caches", rate(l.Copy)},
		{"memcpy, within the caches", rate(l.CopyCached)},
		{"CRC32C of 1 MiB", rate(l.CRC)},
		{"loopback TCP, one connection", fmt.Sprintf("%.2f GB/s, %s", l.TCP.GBPerSecond, perByte(l.TCP.NanosPerByte))},
		{"loopback TCP, round trip", fmt.Sprintf("p50 %s, p99 %s, max %s", milliseconds(round.P50), milliseconds(round.P99), milliseconds(round.Max))},
		{"append to the page cache", fmt.Sprintf("%.2f GB/s, %s", f.AppendGBPerSecond, perByte(f.AppendNanosPerByte))},
		{"append 4 KiB, fdatasync", syncs(f.SmallAppended)},
		{"4 KiB over zeros, fdatasync", syncs(f.SmallOver)},
		{"append 256 KiB, fdatasync", syncs(f.LargeAppended)},
		{"append 4 KiB to three files, fdatasync", syncs(f.SmallThree)},
		{"append 256 KiB to three files, fdatasync", syncs(f.LargeThree)},
		{"ceiling of producing 3 copies, all on this machine", l.Ceiling.String()},
	}
}

// String is "830 MB/s, 272 MB/s with a sync before each acknowledgement".
func (c Ceiling) String() string {
	if c.Unsynced == 0 {
		return "not known: processor time is not measured on this system"
	}
	return fmt.Sprintf("%.0f MB/s, %.0f MB/s with a sync before each acknowledgement", c.Unsynced, c.Synced)
}

func perByte(nanos float64) string {
	if nanos == 0 {
		return "processor time not known"
	}
	return fmt.Sprintf("%.2f ns of processor time a byte", nanos)
}

// milliseconds is a latency to three digits or so.
func milliseconds(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	if d < time.Millisecond {
		return d.Round(time.Microsecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
