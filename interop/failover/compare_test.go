package main

import (
	"strings"
	"testing"
	"time"
)

func TestCompare(t *testing.T) {
	acked := func(pairs ...int64) []ack {
		var acks []ack
		for i := 0; i < len(pairs); i += 2 {
			acks = append(acks, ack{number: pairs[i], offset: pairs[i+1], at: time.Now()})
		}
		return acks
	}
	read := func(numbers ...int64) []stored {
		var records []stored
		for offset, number := range numbers {
			records = append(records, stored{number: number, offset: int64(offset)})
		}
		return records
	}
	f := func(acks []ack, records []stored, want ...string) {
		t.Helper()
		got := compare(acks, records)
		if len(got) != len(want) {
			t.Errorf("got %q, want %q", got, want)
			return
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("got %q, want %q", got[i], want[i])
			}
		}
	}
	f(nil, nil)
	f(acked(0, 0, 1, 1), read(0, 1))
	f(acked(1, 1, 0, 0), read(0, 1, 2)) // told in another order; one was not told
	f(acked(0, 0, 1, 1), read(0), "record 1, acknowledged at offset 1")
	f(acked(0, 0, 1, 1), read(0, 1, 1), "record 1 is doubled, at offsets 1 and 2")
	f(acked(0, 1, 1, 0), read(1, 0), "record 0, at offset 1, comes after 1")
	f(acked(0, 5), read(0), "record 0, acknowledged at offset 5, is at 0")
	f(nil, []stored{{number: -1}}, "offset 0 has a value that nobody sent")
}
