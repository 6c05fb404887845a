package metrics

import (
	"bufio"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/histogram"
)

// family is one row of the list: a metric, with what it is.
type family struct {
	name   string
	kind   familyKind
	labels []string // one with an empty value is left out
	help   string   // a sentence on one line
	mbean  string   // Kafka's, where it is Kafka's
	// collect adds its values to out.
	collect func(s *scrape, out *output)
}

// familyKind is Prometheus's word for what a metric is.
type familyKind string

const (
	counter familyKind = "counter"
	gauge   familyKind = "gauge"
	buckets familyKind = "histogram"
)

// output writes families in Prometheus's text format, version 0.0.4, as they are
// collected: what a scrape holds does not grow with its length. An error of w is for
// w's Flush to tell.
type output struct {
	w     *bufio.Writer
	row   *family
	begun bool   // the family's head is written
	line  []byte // used again for each
}

// write writes one family; where it has no values it leaves it out.
func (o *output) write(f *family, s *scrape) {
	o.row, o.begun = f, false
	f.collect(s, o)
}

// add adds a value, with the values of the family's labels.
func (o *output) add(number float64, labels ...string) { o.series("", number, labels, "") }

// addBuckets adds a histogram; scale is how much of the snapshot's unit is one of the
// family's. Of the bounds it shows those that bound keeps: a quantile wants them finer
// than a time series is worth.
func (o *output) addBuckets(s histogram.Snapshot, scale float64, bound func(int64) bool, labels ...string) {
	for _, b := range s.Bounds {
		if bound(b) {
			o.series("_bucket", float64(s.AtMost(b)), labels, string(appendNumber(nil, float64(b)/scale)))
		}
	}
	o.series("_bucket", float64(s.Count()), labels, "+Inf")
	o.series("_sum", float64(s.Sum)/scale, labels, "")
	o.series("_count", float64(s.Count()), labels, "")
}

// addQuantiles adds the quantiles that Kafka's exporter gives, of what was counted
// lately, in milliseconds, with the label quantile after the others; nothing where
// there is nothing to tell of.
func (o *output) addQuantiles(lately histogram.Snapshot, labels ...string) {
	for _, q := range [...]struct {
		share float64
		name  string
	}{{0.5, "0.50"}, {0.75, "0.75"}, {0.95, "0.95"}, {0.98, "0.98"}, {0.99, "0.99"}, {0.999, "0.999"}} {
		if v, ok := lately.Quantile(q.share); ok {
			o.add(v/1e6, append(labels[:len(labels):len(labels)], q.name)...)
		}
	}
}

// series writes a line; le is a bucket's bound, or "".
func (o *output) series(suffix string, number float64, labels []string, le string) {
	b := o.line[:0]
	if !o.begun {
		o.begun = true
		b = append(b, "# HELP "+o.row.name+" "+o.row.help+"\n# TYPE "+o.row.name+" "+string(o.row.kind)+"\n"...)
	}
	b = append(append(b, o.row.name...), suffix...)
	separator := byte('{')
	for i, value := range labels {
		if value != "" {
			b = appendLabel(append(b, separator), o.row.labels[i], value)
			separator = ','
		}
	}
	if le != "" {
		b = appendLabel(append(b, separator), "le", le)
		separator = ','
	}
	if separator == ',' {
		b = append(b, '}')
	}
	b = append(appendNumber(append(b, ' '), number), '\n')
	_, _ = o.w.Write(b) // Flush tells
	o.line = b
}

func appendLabel(b []byte, name, value string) []byte {
	b = append(append(b, name...), `="`...)
	if strings.ContainsAny(value, "\\\"\n") {
		value = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
	}
	return append(append(b, value...), '"')
}

// appendNumber writes whole numbers as people do, as long as a float64 holds them.
func appendNumber(b []byte, number float64) []byte {
	const wholeMax = 1 << 53
	if number == math.Trunc(number) && math.Abs(number) <= wholeMax {
		return strconv.AppendInt(b, int64(number), 10)
	}
	return strconv.AppendFloat(b, number, 'g', -1, 64)
}

// nanoseconds are in a second.
const nanoseconds = 1e9

// threeADecade keeps 1, 2.5 and 5 of each decade of nanoseconds, from 100 µs up.
func threeADecade(b int64) bool {
	if b < 100_000 {
		return false
	}
	for b%10 == 0 {
		b /= 10
	}
	return b == 1 || b == 25 || b == 5
}

// fourfold keeps every other power of two.
func fourfold(b int64) bool { return bits.TrailingZeros64(uint64(b))%2 == 0 }

// number is a truth as a value.
func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
