package report

import (
	"errors"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	c := sampleComparison()
	c.Rows[3].What = "Leader *paused* | <b>\nnow"
	c.Runs[1].Result.Verified.Missing = 2
	var b strings.Builder
	if err := WriteTable(&b, c); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`| what | Kafka 4.3.1 | chronik 0.9.0 | chronik ÷ Kafka | goal |`,
		`|---|--:|--:|--:|---|`,
		`| Produce 1 KiB, as fast as it goes, records/s | 95,000 (88,000 to 104,000) | 201,000 (188,000 to 230,000) | 2.12 × (1.81 to 2.61) | ≥ 2 × Kafka: reached by the median, not in every run |`,
		`| Latency of one caller, p99, ms | 8.10 (7.90 to 9.20) | 2.20 (2.10 to 3.40) | 0.272 × (0.228 to 0.43) | required: ≤ 0.5 × Kafka: reached; goal: ≤ 3 ms: reached by the median, not in every run |`,
		`| Memory of a node, MB | 315 | 31.0 | 0.0984 × | ≤ 25 MB: missed |`,
		`| Leader \*paused\* \| \<b\> now, s | – | 2.10 | – |  |`,
		``,
		`Medians, and in brackets the range of the runs; of a ratio, the least over the most to the most over the least.`,
		`2026-11-27 14:00:00 UTC, AMD EPYC 9B14 with 2 cores, 6.1.0, load average 0.10 0.40 0.80 before and 3.20 1.10 0.90 after.`,
		`Kafka: three combined nodes, 1 GiB of heap each, no fsync; records: 5,400,000 read back, all whole.`,
		`chronik: three nodes, fsync before each acknowledgement; records: 5,400,000 read back, 2 missing.`,
		``,
	}, "\n")
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nnot\n%s", got, want)
	}
}

// full takes a little, then nothing more.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return 0, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

func TestWhatCannotBeWrittenIsTold(t *testing.T) {
	if err := WriteTable(&full{}, sampleComparison()); !errors.Is(err, errFull) {
		t.Errorf("table: %v", err)
	}
	if err := WriteComparison(&full{left: 5000}, sampleComparison()); !errors.Is(err, errFull) {
		t.Errorf("comparison: %v", err)
	}
	if err := Write(&full{left: 5000}, "x", nil); !errors.Is(err, errFull) {
		t.Errorf("report: %v", err)
	}
}
