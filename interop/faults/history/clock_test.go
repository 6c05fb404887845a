//go:build linux

package history

import "testing"

func TestTheClockDoesNotGoBack(t *testing.T) {
	last := Now()
	for range 1000 {
		now := Now()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
}
