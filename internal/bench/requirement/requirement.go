// Package requirement is what a benchmark's figures have to be, such as
// "throughput>=40000,p99<=100ms,errors=0": it is parsed before the run, and compared
// afterwards. It is pure.
package requirement

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/bench/result"
)

// Condition is one of the conditions, parsed.
type Condition struct {
	text  string
	side  string // empty: the first that has the figure
	name  string
	op    string
	limit float64 // in the figure's unit
}

// Parse reads conditions with commas between them. A condition is a figure, one of >= <=
// > < and =, and a value:
//
//	throughput                       records a second
//	rate                             MB a second: 10⁶ bytes of keys and values
//	p50 p90 p99 p999 max             latencies, with a unit, such as 100ms
//	errors missing duplicated damaged
//
// A side and a dot may stand before it where a run has several: consume.throughput>=1e6.
func Parse(text string) ([]Condition, error) {
	var all []Condition
	for part := range strings.SplitSeq(text, ",") {
		c, err := parse(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("--require %q: %w", part, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func parse(text string) (Condition, error) {
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		return Condition{}, errors.New("there is none of >= <= > < and = in it")
	}
	c := Condition{text: text, name: strings.TrimSpace(text[:at]), op: text[at : at+1]}
	rest := text[at+1:]
	if strings.HasPrefix(rest, "=") {
		rest = rest[1:]
		if c.op != "=" {
			c.op += "="
		}
	}
	if side, name, ok := strings.Cut(c.name, "."); ok && c.name != "p99.9" {
		c.side, c.name = side, name
	}
	if c.name == "p99.9" {
		c.name = "p999"
	}
	f, ok := figures()[c.name]
	if !ok {
		return Condition{}, fmt.Errorf("%q is no figure: throughput, rate, p50, p90, p99, p999, max, errors, missing, duplicated or damaged", c.name)
	}
	var err error
	c.limit, err = f.limit(strings.TrimSpace(rest))
	return c, err
}

// Text is the condition as it was given.
func (c Condition) Text() string { return c.text }

// Side is the name of the side whose figure it is; empty: the first that has it.
func (c Condition) Side() string { return c.side }

// NeedsVerification reports whether the figure is known only if everything was read back.
func (c Condition) NeedsVerification() bool { return figures()[c.name].verified != nil }

// NeedsLatency reports whether the figure is a latency.
func (c Condition) NeedsLatency() bool { return figures()[c.name].latency }

// Check compares a result with conditions. An error means that a figure was not measured.
func Check(conditions []Condition, r *result.Result) ([]result.Requirement, error) {
	var all []result.Requirement
	for _, c := range conditions {
		value, err := c.value(r)
		if err != nil {
			return nil, fmt.Errorf("--require %q: %w", c.text, err)
		}
		all = append(all, result.Requirement{Text: c.text, Value: value, Held: c.holds(value)})
	}
	return all, nil
}

// Held reports whether all have.
func Held(all []result.Requirement) bool {
	return !slices.ContainsFunc(all, func(r result.Requirement) bool { return !r.Held })
}

func (c Condition) holds(value float64) bool {
	switch c.op {
	case ">=":
		return value >= c.limit
	case "<=":
		return value <= c.limit
	case ">":
		return value > c.limit
	case "<":
		return value < c.limit
	default:
		return value == c.limit
	}
}

// value is the figure of a result.
func (c Condition) value(r *result.Result) (float64, error) {
	f := figures()[c.name]
	if f.verified != nil {
		if r.Verified == nil {
			return 0, errors.New("nothing was read back: it needs --verify")
		}
		return float64(f.verified(r.Verified)), nil
	}
	for i := range r.Sides {
		s := &r.Sides[i]
		if c.side != "" && c.side != s.Name {
			continue
		}
		// Where records are followed end to end, it is that latency which is asked for.
		if f.latency && (len(s.Latency.Buckets) == 0 || c.side == "" && followed(r.Sides[i+1:])) {
			continue
		}
		return f.of(s, r.Seconds), nil
	}
	return 0, errors.New("this run has not measured it")
}

func followed(sides []result.Side) bool {
	return slices.ContainsFunc(sides, func(s result.Side) bool { return len(s.Latency.Buckets) > 0 })
}

// figure is something that can be required.
type figure struct {
	of       func(s *result.Side, seconds float64) float64
	verified func(*result.Verified) int64
	latency  bool // in milliseconds, limits with a unit
	suffix   string
}

func figures() map[string]figure {
	latency := func(of func(l *result.Latency) float64) figure {
		return figure{latency: true, of: func(s *result.Side, _ float64) float64 { return of(&s.Latency) }}
	}
	return map[string]figure{
		"throughput": {of: (*result.Side).Rate},
		"rate":       {suffix: "MB/s", of: func(s *result.Side, seconds float64) float64 { return float64(s.Bytes) / 1e6 / seconds }},
		"errors": {of: func(s *result.Side, _ float64) float64 {
			n := int64(0)
			for _, of := range s.Errors {
				n += of
			}
			return float64(n)
		}},
		"p50":        latency(func(l *result.Latency) float64 { return l.P50 }),
		"p90":        latency(func(l *result.Latency) float64 { return l.P90 }),
		"p99":        latency(func(l *result.Latency) float64 { return l.P99 }),
		"p999":       latency(func(l *result.Latency) float64 { return l.P999 }),
		"max":        latency(func(l *result.Latency) float64 { return l.Max }),
		"missing":    {verified: func(v *result.Verified) int64 { return v.Missing }},
		"duplicated": {verified: func(v *result.Verified) int64 { return v.Duplicated }},
		"damaged":    {verified: func(v *result.Verified) int64 { return v.Damaged }},
	}
}

// limit reads a limit in the figure's unit.
func (f figure) limit(text string) (float64, error) {
	if f.latency {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("%q is no latency: give it with a unit, such as 100ms or 1.5s", text)
		}
		return float64(d) / float64(time.Millisecond), nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, f.suffix), 64)
	if err != nil || n < 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is no number of 0 or more", text)
	}
	return n, nil
}
