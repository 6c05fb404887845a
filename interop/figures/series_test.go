package main

import (
	"strings"
	"testing"
)

func TestSeriesPrintsLeastMedianAndGreatest(t *testing.T) {
	f := func(want string, values ...float64) {
		t.Helper()
		got := strings.Join(strings.Fields(series{what: "start", unit: "ms", values: values}.String()), " ")
		if got != want {
			t.Errorf("%v prints as %q, want %q", values, got, want)
		}
	}
	f("start min 7 median 7 max 7 ms", 7)
	f("start min 1 median 2.5 max 4 ms", 4, 1, 3, 2)
	f("start min 9.8 median 11.2 max 1234 ms", 11.23, 1234.4, 9.8)
}
