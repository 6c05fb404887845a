package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/bench/result"
)

// What there is to know stands in every form of a comparison.
func TestTextHasWhatTheTableHas(t *testing.T) {
	c := sampleComparison()
	c.Rows[0].Ceilings = []float64{0, 402_000}
	c.Limits = []Limit{{"memcpy", "11 GB/s"}}
	c.Unfinished = "turn 2 of 2, Kafka: interrupted"
	var text, table bytes.Buffer
	if err := WriteText(&text, c); err != nil {
		t.Fatal(err)
	}
	if err := WriteTable(&table, c); err != nil {
		t.Fatal(err)
	}
	page := comparisonPage(t, c)
	spaced := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"Produce 1 KiB, as fast as it goes, records/s Kafka 95,000 (88,000 to 104,000) chronik 201,000 (188,000 to 230,000) 2.12 × (1.81 to 2.61) Kafka 50 % of the ceiling ≥ 2 × Kafka: reached by the median, not in every run Latency",
		"Leader paused, s Kafka – chronik 2.10 the machine itself memcpy 11 GB/s NOT FINISHED: turn 2 of 2, Kafka: interrupted. Medians",
		"Kafka: three combined nodes, 1 GiB of heap each, no fsync; records: 5,400,000 read back, all whole.",
	} {
		if !strings.Contains(spaced, want) {
			t.Errorf("%q is not in\n%s", want, &text)
		}
	}
	for _, want := range []string{"| 201,000 (188,000 to 230,000), 50 % of the ceiling |", "\nNOT FINISHED: turn 2 of 2"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, &table)
		}
	}
	contains(t, page.section(t, "figures"), "201,000 · 188,000 · 230,000 50 % of the ceiling")
	contains(t, page.section(t, "systems"), "memcpy 11 GB/s")
	if !strings.Contains(page.source, "Not finished: turn 2 of 2, Kafka: interrupted.") {
		t.Error("it does not say that it was not finished")
	}
	if err := WriteText(&text, Comparison{}); err == nil {
		t.Error("a comparison of nothing")
	}
}

func TestOutcomes(t *testing.T) {
	c := sampleComparison()
	if got, want := c.Missed(), []string{"Memory of a node, ≤ 25 MB: missed"}; !slices.Equal(got, want) {
		t.Errorf("missed %q", got)
	}
	if got := c.Broken(); got != nil {
		t.Errorf("broken %q", got)
	}
	c.Runs[0].Result.Verified = nil
	c.Runs[1].Result.Verified = &result.Verified{Acknowledged: 3, Read: 2, Missing: 1}
	if got, want := c.Broken(), []string{"chronik: 2 read back, 1 missing"}; !slices.Equal(got, want) {
		t.Errorf("broken %q", got)
	}
}
