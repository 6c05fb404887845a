package requirement

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/bench/result"
)

// measured is a run of 10 s.
func measured() *result.Result {
	bars := []result.Bucket{{To: 10, Count: 1}}
	return &result.Result{
		Seconds: 10,
		Sides: []result.Side{
			{Name: "produce", Records: 400_000, Bytes: 100_000_000, Errors: map[string]int64{"a": 1, "b": 2},
				Latency: result.Latency{P50: 1, P90: 2, P99: 3.5, P999: 4, Max: 5, Buckets: bars}},
			{Name: "consume", Records: 390_000, Bytes: 97_500_000},
		},
		Verified: &result.Verified{Missing: 1},
	}
}

// TestConditionsAreCompared with the figures of a run.
func TestConditionsAreCompared(t *testing.T) {
	for _, c := range []struct {
		text  string
		value float64
		held  bool
	}{
		{"throughput>=40000", 40_000, true},
		{"throughput > 40000", 40_000, false},
		{"throughput>=4e4", 40_000, true},
		{"rate>=10MB/s", 10, true},
		{"rate<10", 10, false},
		{"p50<=1ms", 1, true},
		{"p90<2000us", 2, false},
		{"p99<=3.5ms", 3.5, true},
		{"p999<=3ms", 4, false},
		{"p99.9=4ms", 4, true},
		{"max<=1s", 5, true},
		{"errors=0", 3, false},
		{"errors==3", 3, true},
		{"missing=0", 1, false},
		{"duplicated=0", 0, true},
		{"damaged=0", 0, true},
		{"consume.throughput>=39000", 39_000, true},
		{"produce.p99<3ms", 3.5, false},
	} {
		parsed, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		checked, err := Check(parsed, measured())
		if want := (result.Requirement{Text: c.text, Value: c.value, Held: c.held}); err != nil || checked[0] != want {
			t.Errorf("%s: %+v, %v; want %+v", c.text, checked, err, want)
		}
	}
}

// TestSeveralConditions all have to hold.
func TestSeveralConditions(t *testing.T) {
	parsed, err := Parse("throughput>=40000, p99<=100ms,errors=3")
	if err != nil || len(parsed) != 3 {
		t.Fatal(parsed, err)
	}
	checked, err := Check(parsed, measured())
	if err != nil || !Held(checked) {
		t.Errorf("%+v, %v", checked, err)
	}
	parsed, _ = Parse("throughput>=40000,errors=0")
	if checked, err = Check(parsed, measured()); err != nil || Held(checked) {
		t.Errorf("%+v, %v", checked, err)
	}
}

// TestTheLatencyOfRecordsThatAreFollowed is the one that they have end to end.
func TestTheLatencyOfRecordsThatAreFollowed(t *testing.T) {
	r := measured()
	r.Sides[1] = result.Side{Name: "end-to-end", Latency: result.Latency{P99: 9, Buckets: r.Sides[0].Latency.Buckets}}
	for text, want := range map[string]float64{"p99<=5ms": 9, "produce.p99<=5ms": 3.5, "end-to-end.p99<=5ms": 9} {
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if checked, err := Check(parsed, r); err != nil || checked[0].Value != want {
			t.Errorf("%s: %+v, %v; want %g", text, checked, err, want)
		}
	}
}

// TestWhatIsNotMeasuredIsAnError, and not a condition that holds.
func TestWhatIsNotMeasuredIsAnError(t *testing.T) {
	r := measured()
	r.Verified, r.Sides = nil, r.Sides[1:]
	for _, text := range []string{"missing=0", "p99<=1s", "produce.throughput>=0", "consume.p50<=1s"} {
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if checked, err := Check(parsed, r); err == nil {
			t.Errorf("%s: %+v", text, checked)
		}
	}
}

// TestWrongConditionsAreRefused, with the flag's name and the part that is wrong.
func TestWrongConditionsAreRefused(t *testing.T) {
	for _, text := range []string{"", "p99", "p99<=100", "p99<=-1ms", "throughput>=many", "throughput>=", "speed>=1", "p98<=1ms",
		"errors=-1", "errors=NaN", "throughput<=Inf", "errors=0,", ">=1", "throughput>=1MB/s"} {
		if c, err := Parse(text); err == nil || !strings.Contains(err.Error(), "--require") {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

// FuzzParse: what parses can be compared, and gives what it was.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"throughput>=40000,p99<=100ms,errors=0", "rate>1.5MB/s", "consume.max<1h", "p99.9==2us", "a.b.c=", "=", ">=<"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text)
		if err != nil {
			return
		}
		for _, c := range parsed {
			if c.name == "" || c.op == "" || c.limit < 0 {
				t.Errorf("%q: %+v", text, c)
			}
			again, err := Parse(c.text)
			if err != nil || fmt.Sprint(again) != fmt.Sprint([]Condition{c}) {
				t.Errorf("%q: %+v, again %+v, %v", text, c, again, err)
			}
		}
		if checked, err := Check(parsed, measured()); err == nil && len(checked) != len(parsed) {
			t.Errorf("%q: %d conditions, %d compared", text, len(parsed), len(checked))
		}
	})
}
