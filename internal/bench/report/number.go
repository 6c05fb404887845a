package report

import (
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// none stands where there is no number.
const none = "–"

// formats are the functions of the templates.
func formats() template.FuncMap {
	return template.FuncMap{"number": number, "count": count, "moment": moment, "machineTime": machineTime, "percent": percent}
}

// number shows three digits or more: 1,234,567 and 123 and 12.3 and 0.123.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return none
	}
	size := math.Abs(v)
	switch {
	case size == 0:
		return "0"
	case size >= 1<<53:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case size >= 99.95:
		return count(int64(math.Round(v)))
	case size >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case size >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}

// given shows a number with the digits that somebody gave it: 2 and 0.35 and 40,000.
func given(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return count(int64(v))
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// count shows an integer with its digits in groups of three.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign, digits := digits[:len(digits)-len(strings.TrimPrefix(digits, "-"))], strings.TrimPrefix(digits, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// percent shows a share of 1, or nothing where there is none.
func percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return none
	}
	return strconv.FormatFloat(100*share, 'f', 2, 64) + " %"
}

// moment is a time for people, everywhere the same.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// machineTime is a time for the attribute that browsers read.
func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// value is a number of a plot. Six digits are more than a screen can show.
type value float64

// MarshalJSON writes null for what JSON has no number for: a gap in the plot.
func (v value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(v), 'g', 6, 64), nil
}

// gap is a value that is not there.
func gap() value { return value(math.NaN()) }
