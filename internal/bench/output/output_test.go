package output

import (
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
)

func measured() *result.Result {
	return &result.Result{
		Name: "mixed", Started: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), Seconds: 30, WarmUp: 3,
		Cluster: result.Cluster{Brokers: 3, Topic: "t", Partitions: 12, Replication: 1},
		Sides: []result.Side{
			{Name: "produce", Records: 1_837_020, Bytes: 470_277_120, Errors: map[string]int64{"connection": 12, "NOT_ENOUGH_REPLICAS": 1200},
				Latency: result.Latency{Mean: 2, P50: 1.924, P90: 2.8, P99: 14.1, P999: 821.4, Max: 1230.2, Buckets: []result.Bucket{{To: 2000, Count: 1_837_020}}}},
			{Name: "consume", Records: 999, Bytes: 255_744},
		},
		Verified: &result.Verified{Acknowledged: 1_837_020, Read: 1_837_021, Missing: 1, Duplicated: 2, Damaged: 3, Seconds: 3.21},
		Required: []result.Requirement{{Text: "throughput>=40000", Value: 61234, Held: true}, {Text: "p99<=1ms", Value: 14.1}},
	}
}

func written(t *testing.T, f Format) string {
	t.Helper()
	var b strings.Builder
	if err := f.Write(&b, measured()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestATableIsForPeople.
func TestATableIsForPeople(t *testing.T) {
	want := `
mixed: 30.0 s measured, after 3.00 s of warm-up
topic t: 12 partitions of 1 replica, on 3 brokers

                 records   msg/s  MB/s  errors  p50 ms   p90   p99  p99.9    max
  produce      1,837,020  61,234  15.7   1,212    1.92  2.80  14.1    821  1,230
  consume            999    33.3  0.01       0       -     -     -      -      -

errors of produce
         1,200  NOT_ENOUGH_REPLICAS
            12  connection

read back in 3.21 s: 1,837,020 acknowledged, 1,837,021 read, 1 missing, 2 duplicated, 3 damaged

required
  throughput>=40000  held      was 61,234
  p99<=1ms           NOT HELD  was 14.1
`
	if got := written(t, Table); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestJSONIsTheResult, all of it.
func TestJSONIsTheResult(t *testing.T) {
	var again result.Result
	if err := json.Unmarshal([]byte(written(t, JSON)), &again); err != nil || !reflect.DeepEqual(&again, measured()) {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestCSVHasALineForEachSide under one of names.
func TestCSVHasALineForEachSide(t *testing.T) {
	lines, err := csv.NewReader(strings.NewReader(written(t, CSV))).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	produce, consume := map[string]string{}, map[string]string{}
	for i, name := range lines[0] {
		produce[name], consume[name] = lines[1][i], lines[2][i]
	}
	for name, want := range map[string]string{
		"name": "mixed", "side": "produce", "started": "2026-11-27T12:00:00Z", "seconds": "30", "records": "1837020", "msg_per_s": "61234",
		"errors": "1212", "errors_by_kind": "NOT_ENOUGH_REPLICAS=1200; connection=12", "p99_ms": "14.1", "missing": "1", "partitions": "12",
	} {
		if produce[name] != want {
			t.Errorf("%s is %q, want %q", name, produce[name], want)
		}
	}
	if consume["side"] != "consume" || consume["p99_ms"] != "" || consume["errors_by_kind"] != "" {
		t.Errorf("%v", consume)
	}
}

// TestProgressSumsUpWhatItDoesNotSay each second.
func TestProgressSumsUpWhatItDoesNotSay(t *testing.T) {
	var b strings.Builder
	p := NewProgress(&b, 2)
	sides := []string{"produce", "consume"}
	p.Second(0, sides, []result.Point{{Records: 60_000, Bytes: 15_000_000, P50: 1, P99: 2, Max: 3}, {}})
	p.Second(1, sides, []result.Point{{Records: 40_000, Bytes: 10_000_000, P50: 1, P99: 5, Max: 9, Errors: 7}, {Records: 10}})
	p.Second(2, sides, []result.Point{{Records: 1}, {}})
	want := "    2 s  produce         50,000 msg/s    12.5 MB/s  p50  1.00  p99  5.00  max  9.00 ms  7 errors\n" +
		"    2 s  consume              5 msg/s    0.00 MB/s\n"
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestNumbersForPeople.
func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1_234_567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if _, err := ParseFormat("xml"); err == nil {
		t.Error("xml is a format")
	}
}
