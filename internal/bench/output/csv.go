package output

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
)

// column is one of CSV's.
type column struct {
	name  string
	value func(r *result.Result, s *result.Side) string
}

// writeCSV writes the names of the columns and a line for each side. What was not measured
// is empty.
func writeCSV(w io.Writer, r *result.Result) error {
	out := csv.NewWriter(w)
	var line []string
	for _, c := range columns() {
		line = append(line, c.name)
	}
	err := out.Write(line)
	for i := range r.Sides {
		line = line[:0]
		for _, c := range columns() {
			line = append(line, c.value(r, &r.Sides[i]))
		}
		if err == nil {
			err = out.Write(line)
		}
	}
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func columns() []column {
	of := func(name string, value func(r *result.Result, s *result.Side) string) column {
		return column{name, value}
	}
	latency := func(name string, value func(l *result.Latency) float64) column {
		return of(name, func(_ *result.Result, s *result.Side) string {
			if len(s.Latency.Buckets) == 0 {
				return ""
			}
			return exact(value(&s.Latency))
		})
	}
	verified := func(name string, value func(v *result.Verified) int64) column {
		return of(name, func(r *result.Result, _ *result.Side) string {
			if r.Verified == nil {
				return ""
			}
			return strconv.FormatInt(value(r.Verified), 10)
		})
	}
	return []column{
		of("name", func(r *result.Result, _ *result.Side) string { return r.Name }),
		of("side", func(_ *result.Result, s *result.Side) string { return s.Name }),
		of("started", func(r *result.Result, _ *result.Side) string { return r.Started.Format(time.RFC3339) }),
		of("seconds", func(r *result.Result, _ *result.Side) string { return exact(r.Seconds) }),
		of("brokers", func(r *result.Result, _ *result.Side) string { return strconv.Itoa(r.Cluster.Brokers) }),
		of("partitions", func(r *result.Result, _ *result.Side) string { return strconv.Itoa(r.Cluster.Partitions) }),
		of("replication", func(r *result.Result, _ *result.Side) string { return strconv.Itoa(r.Cluster.Replication) }),
		of("records", func(_ *result.Result, s *result.Side) string { return strconv.FormatInt(s.Records, 10) }),
		of("bytes", func(_ *result.Result, s *result.Side) string { return strconv.FormatInt(s.Bytes, 10) }),
		of("msg_per_s", func(r *result.Result, s *result.Side) string { return exact(s.Rate(r.Seconds)) }),
		of("mb_per_s", func(r *result.Result, s *result.Side) string { return exact(float64(s.Bytes) / megabyte / r.Seconds) }),
		of("errors", func(_ *result.Result, s *result.Side) string { return strconv.FormatInt(failures(s), 10) }),
		of("errors_by_kind", func(_ *result.Result, s *result.Side) string {
			var all []string
			for _, kind := range kinds(s) {
				all = append(all, fmt.Sprintf("%s=%d", kind, s.Errors[kind]))
			}
			return strings.Join(all, "; ")
		}),
		latency("mean_ms", func(l *result.Latency) float64 { return l.Mean }),
		latency("p50_ms", func(l *result.Latency) float64 { return l.P50 }),
		latency("p90_ms", func(l *result.Latency) float64 { return l.P90 }),
		latency("p99_ms", func(l *result.Latency) float64 { return l.P99 }),
		latency("p999_ms", func(l *result.Latency) float64 { return l.P999 }),
		latency("max_ms", func(l *result.Latency) float64 { return l.Max }),
		verified("acknowledged", func(v *result.Verified) int64 { return v.Acknowledged }),
		verified("read", func(v *result.Verified) int64 { return v.Read }),
		verified("missing", func(v *result.Verified) int64 { return v.Missing }),
		verified("duplicated", func(v *result.Verified) int64 { return v.Duplicated }),
		verified("damaged", func(v *result.Verified) int64 { return v.Damaged }),
	}
}
