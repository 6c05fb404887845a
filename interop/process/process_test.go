package process

import (
	"os"
	"runtime"
	"testing"
)

func TestThisProcessHasFigures(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	for name, of := range map[string]func(int) (float64, error){"memory": ResidentBytes, "most memory": ResidentBytesMax, "allocated memory": AnonymousBytes, "waits": Waits} {
		if n, err := of(os.Getpid()); err != nil || n <= 0 {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
	if _, err := Ticks(os.Getpid()); err != nil {
		t.Error(err)
	}
	if n, err := Files(os.Getpid()); err != nil || n < 3 {
		t.Errorf("%d files, %v", n, err)
	}
	if _, err := ResidentBytes(-1); err == nil {
		t.Error("a process that is not there has figures")
	}
}
