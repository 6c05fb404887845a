package broker

import (
	"math"
	"testing"
)

func TestLogsLeaveFilesToOthers(t *testing.T) {
	f := func(files uint64, want int) {
		t.Helper()
		if got := logsMax(files); got != want {
			t.Errorf("of %d files %d are for logs, want %d", files, got, want)
		}
	}
	f(0, 0)
	f(256, 128)
	f(1024, 512)
	f(4096, 3584)
	f(20_000, 18_000)
	f(math.MaxUint64, 0) // no limit
}
