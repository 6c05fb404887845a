package main

import "testing"

func TestParseLine(t *testing.T) {
	line := parseLine(`{"time":"2026-11-27T13:44:32.541Z","level":"INFO","msg":"ISR updated","partition":"a-0","isr":[2,3],"offset":100}`)
	if line.level != "INFO" || line.message != "ISR updated" || line.at.Minute() != 44 {
		t.Errorf("got %+v", line)
	}
	f := func(want bool, attrs ...any) {
		t.Helper()
		if line.has(attrs) != want {
			t.Errorf("has %v: %v", attrs, !want)
		}
	}
	f(true)
	f(true, "partition", "a-0", "isr", "[2 3]", "offset", 100)
	f(true, "partition", nil)
	f(false, "quorum", nil)
	f(false, "isr", "[2 3 1]")
	for _, text := range []string{"panic: BUG", "goroutine 1 [running]:", ""} {
		if got := parseLine(text); got.level != "NONE" || got.text != text {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
