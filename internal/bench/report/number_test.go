package report

import (
	"encoding/json"
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	f := func(v float64, want, asGiven string) {
		t.Helper()
		if got := number(v); got != want {
			t.Errorf("%g is shown as %q, not %q", v, got, want)
		}
		if got := given(v); asGiven != "" && got != asGiven {
			t.Errorf("%g as given is %q, not %q", v, got, asGiven)
		}
	}
	f(0, "0", "0")
	f(0.35, "0.35", "0.35")
	f(0.00012345, "0.000123", "")
	f(0.9996, "1.00", "0.9996")
	f(2, "2.00", "2")
	f(9.994, "9.99", "")
	f(9.996, "10.0", "")
	f(99.94, "99.9", "")
	f(99.96, "100", "")
	f(999.6, "1,000", "")
	f(-40_000, "-40,000", "-40,000")
	f(1_234_567.8, "1,234,568", "1234567.8")
	f(1e300, "1e+300", "")
	f(math.NaN(), "–", "")
	f(math.Inf(-1), "–", "")
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -999: "-999", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := count(n); got != want {
			t.Errorf("%d is shown as %q", n, got)
		}
	}
}

func TestPlotValuesAreShortAndGapsAreNull(t *testing.T) {
	text, err := json.Marshal([]value{1.0 / 3, 123456789, gap(), value(math.Inf(1)), 0})
	if want := "[0.333333,1.23457e+08,null,null,0]"; err != nil || string(text) != want {
		t.Errorf("%s, %v; not %s", text, err, want)
	}
}
