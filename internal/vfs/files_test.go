package vfs

import (
	"errors"
	"io/fs"
	"testing"
)

func TestMkdirAllSyncedSurvivesAPowerLoss(t *testing.T) {
	m := NewMem()
	if err := MkdirAllSynced(m, "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAllSynced(m, "a/b/d"); err != nil {
		t.Fatal(err)
	}
	crashed := m.Crash()
	for _, dir := range []string{"a/b/c", "a/b/d"} {
		if info, err := crashed.Stat(dir); err != nil || !info.IsDir {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// Goal: at no point is the file anything but old or new. Method: crash before
// every operation.
func TestWriteFileAtomicallyLeavesOldOrNew(t *testing.T) {
	m := NewMem()
	if err := WriteFileAtomically(m, "f", []byte("old")); err != nil {
		t.Fatal(err)
	}
	check := func(at Op) {
		got, err := ReadFile(m.Crash(), "f", 100)
		if err != nil || string(got) != "old" && string(got) != "new" {
			t.Errorf("a crash before %v leaves %q, %v", at, got, err)
		}
	}
	watched := NewFaulty(m, func(op Op) error { check(op); return nil })
	if err := WriteFileAtomically(watched, "f", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(m.Crash(), "f", 100); err != nil || string(got) != "new" {
		t.Errorf("afterwards a crash leaves %q, %v", got, err)
	}
}

func TestReadFileRefusesWhatIsTooLargeOrNotThere(t *testing.T) {
	m := NewMem()
	if err := WriteFileAtomically(m, "f", make([]byte, 11)); err != nil {
		t.Fatal(err)
	}
	var tooLarge *TooLargeError
	if _, err := ReadFile(m, "f", 10); !errors.As(err, &tooLarge) || tooLarge.Bytes != 11 {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFile(m, "g", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
