package output

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/chronik/chronik/internal/bench/result"
)

// writeTable writes for people.
func writeTable(w io.Writer, r *result.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %s s measured, after %s s of warm-up\n", r.Name, rounded(r.Seconds), rounded(r.WarmUp))
	fmt.Fprintf(&b, "topic %s: %s of %s, on %s\n\n", r.Cluster.Topic,
		plural(r.Cluster.Partitions, "partition"), plural(r.Cluster.Replication, "replica"), plural(r.Cluster.Brokers, "broker"))
	figures(&b, r)
	errorsByKind(&b, r)
	if v := r.Verified; v != nil {
		fmt.Fprintf(&b, "\nread back in %s s: %s acknowledged, %s read, %s missing, %s duplicated, %s damaged\n", rounded(v.Seconds),
			grouped(v.Acknowledged), grouped(v.Read), grouped(v.Missing), grouped(v.Duplicated), grouped(v.Damaged))
	}
	required(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// figures is a line for each side.
func figures(b *strings.Builder, r *result.Result) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row(t, "           ", "records", "msg/s", "MB/s", "errors", "p50 ms", "p90", "p99", "p99.9", "max", "")
	for i := range r.Sides {
		s := &r.Sides[i]
		cells := []string{fmt.Sprintf("%-11s", s.Name), grouped(s.Records), rounded(s.Rate(r.Seconds)),
			rounded(float64(s.Bytes) / megabyte / r.Seconds), grouped(failures(s))}
		if l := s.Latency; len(l.Buckets) > 0 {
			cells = append(cells, rounded(l.P50), rounded(l.P90), rounded(l.P99), rounded(l.P999), rounded(l.Max), "")
		} else {
			cells = append(cells, "-", "-", "-", "-", "-", "")
		}
		row(t, cells...)
	}
	_ = t.Flush() // a strings.Builder takes everything
}

// row writes cells for a tabwriter.Writer to align.
func row(t *tabwriter.Writer, cells ...string) {
	_, _ = io.WriteString(t, strings.Join(cells, "\t")+"\n") // into a strings.Builder, as above
}

func errorsByKind(b *strings.Builder, r *result.Result) {
	for i := range r.Sides {
		s := &r.Sides[i]
		if len(s.Errors) == 0 {
			continue
		}
		fmt.Fprintf(b, "\nerrors of %s\n", s.Name)
		for _, kind := range kinds(s) {
			fmt.Fprintf(b, "%14s  %s\n", grouped(s.Errors[kind]), kind)
		}
	}
}

func required(b *strings.Builder, r *result.Result) {
	if len(r.Required) == 0 {
		return
	}
	b.WriteString("\nrequired\n")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, c := range r.Required {
		held := "held"
		if !c.Held {
			held = "NOT HELD"
		}
		row(t, "  "+c.Text, held, "was "+rounded(c.Value))
	}
	_ = t.Flush() // as above
}
