package verify

import (
	"testing"

	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/result"
)

const (
	ourRun = 77
	size   = 64
)

// story sends records of three pages, acknowledges all but every tenth, and returns what
// came to be in the topic.
func story(l *Ledger) (values [][]byte) {
	maker := payload.NewMaker(payload.Shape{Size: size, Pattern: payload.Random}, payload.Keys{}, ourRun, 1)
	for i := range 300 {
		page := l.Page(i % 3)
		slot := maker.NewSlot()
		sequence := page.Next()
		maker.Make(slot, sequence, 0)
		values = append(values, slot.Value)
		if i%10 != 0 {
			page.Acknowledge(sequence)
		}
	}
	return values
}

func tallied(l *Ledger, values [][]byte) result.Verified {
	t := newTally(ourRun, size, l)
	for _, v := range values {
		t.add(nil, v)
	}
	return t.result()
}

// TestAllIsThere: what was not acknowledged may be there or not.
func TestAllIsThere(t *testing.T) {
	l := NewLedger(3)
	values := story(l)
	if got, want := tallied(l, values), (result.Verified{Acknowledged: 270, Read: 300}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := tallied(l, append(values[1:10:10], values[11:]...)), (result.Verified{Acknowledged: 270, Read: 298}); got != want {
		t.Errorf("without two that were not acknowledged: %+v, want %+v", got, want)
	}
}

// TestWhatIsWrongIsCounted, each under its name.
func TestWhatIsWrongIsCounted(t *testing.T) {
	l := NewLedger(3)
	values := story(l)
	values[1][size-1] ^= 1                             // damaged, and so missing
	values = append(values, values[2], values[3])      // twice there
	values = append(values[:200:200], values[201:]...) // one gone that was not acknowledged
	values = append(values[:204:204], values[206:]...) // two gone that were
	other := payload.NewMaker(payload.Shape{Size: size, Pattern: payload.Random}, payload.Keys{}, ourRun+1, 1)
	slot := other.NewSlot()
	other.Make(slot, 5, 0)
	values = append(values, slot.Value) // another run's
	ours := payload.NewMaker(payload.Shape{Size: size, Pattern: payload.Random}, payload.Keys{}, ourRun, 1)
	never := ours.NewSlot()
	ours.Make(never, 1_000_000, 0)
	values = append(values, never.Value) // ours by its run, and never sent
	got := tallied(l, values)
	want := result.Verified{Acknowledged: 270, Read: 300 + 2 - 3 + 1, Missing: 3, Duplicated: 2, Damaged: 2}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestNothingIsThere at all, and everything is missing.
func TestNothingIsThere(t *testing.T) {
	l := NewLedger(3)
	story(l)
	if got, want := tallied(l, nil), (result.Verified{Acknowledged: 270, Missing: 270}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
