package metrics

import (
	"io"
	"math/bits"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/chronik/chronik/internal/histogram"
)

// family is one row of the list: a metric, with what it is.
type family struct {
	name   string
	kind   familyKind
	labels []string // at most labelsMax; one with an empty value is left out
	help   string   // a sentence
	mbean  string   // Kafka's, where it is Kafka's
	// collect adds its values to out.
	collect func(s *scrape, out *output)
}

// familyKind is counter, gauge or buckets.
type familyKind = dto.MetricType

// The kinds of families.
const (
	counter = dto.MetricType_COUNTER
	gauge   = dto.MetricType_GAUGE
	buckets = dto.MetricType_HISTOGRAM
)

// labelsMax is the most labels that a family has.
const labelsMax = 3

// output encodes families. What it makes of one it uses again for the next.
type output struct {
	w      io.Writer
	row    *family
	family dto.MetricFamily
	values []*value // the first len(family.Metric) are in use
}

// value is a dto.Metric with all that it points to.
type value struct {
	metric  dto.Metric
	number  float64
	gauge   dto.Gauge
	counter dto.Counter
	pairs   [labelsMax]dto.LabelPair
	texts   [labelsMax]string
	labels  [labelsMax]*dto.LabelPair
}

// write encodes one family; where it has no values it leaves it out.
func (o *output) write(f *family, s *scrape) error {
	o.row = f
	o.family.Name, o.family.Help, o.family.Type = &f.name, &f.help, &f.kind
	o.family.Metric = o.family.Metric[:0]
	f.collect(s, o)
	if len(o.family.Metric) == 0 {
		return nil
	}
	_, err := expfmt.MetricFamilyToText(o.w, &o.family)
	return err
}

// add adds a value, with the values of the family's labels.
func (o *output) add(number float64, labels ...string) {
	v := o.next(labels)
	v.number = number
	if o.row.kind == counter {
		v.counter.Value = &v.number
		v.metric.Counter, v.metric.Gauge = &v.counter, nil
	} else {
		v.gauge.Value = &v.number
		v.metric.Gauge, v.metric.Counter = &v.gauge, nil
	}
	v.metric.Histogram = nil
}

func (o *output) next(labels []string) *value {
	n := len(o.family.Metric)
	if n == len(o.values) {
		o.values = append(o.values, new(value))
	}
	v := o.values[n]
	v.metric.Label = v.labels[:0]
	for i, text := range labels {
		if text == "" {
			continue
		}
		v.texts[i] = text
		v.pairs[i].Name, v.pairs[i].Value = &o.row.labels[i], &v.texts[i]
		v.metric.Label = append(v.metric.Label, &v.pairs[i])
	}
	o.family.Metric = append(o.family.Metric, &v.metric)
	return v
}

// addBuckets adds a histogram; scale is what the family's unit has of the
// snapshot's. Of the bounds it shows those that bound keeps: a quantile wants them
// finer than a time series is worth.
func (o *output) addBuckets(s histogram.Snapshot, scale float64, bound func(int64) bool, labels ...string) {
	v := o.next(labels)
	v.metric.Gauge, v.metric.Counter = nil, nil
	count, sum := uint64(s.Count()), float64(s.Sum)/scale
	h := &dto.Histogram{SampleCount: &count, SampleSum: &sum}
	for _, b := range slices.DeleteFunc(slices.Clone(s.Bounds), func(b int64) bool { return !bound(b) }) {
		upper, below := float64(b)/scale, uint64(s.AtMost(b))
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &upper, CumulativeCount: &below})
	}
	v.metric.Histogram = h
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
			o.add(v/1e6, append(slices.Clone(labels), q.name)...)
		}
	}
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
