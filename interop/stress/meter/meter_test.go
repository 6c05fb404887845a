package meter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestMetricsAreReadBesideThoseWithLongerNames(t *testing.T) {
	const text = `# HELP syncs Syncs.
syncs_total 9
syncs{disk="a b"} 2
syncs{disk="c"} 3.5
`
	f := func(name string, want float64, there bool) {
		t.Helper()
		if sum, found, err := read(strings.NewReader(text), name); sum != want || found != there || err != nil {
			t.Errorf("%s: %v, %v, %v", name, sum, found, err)
		}
	}
	f("syncs", 5.5, true)
	f("syncs_total", 9, true)
	f("sync", 0, false)
}

// TestThisProcessIsMetered, with metrics that say that it syncs.
func TestThisProcessIsMetered(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	syncs := 0
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		syncs += 1000
		fmt.Fprintln(w, "kafka_log_logflushstats_logflushrateandtimems_count", syncs)
	}))
	defer metrics.Close()
	m := New([]Node{{ID: 1, PID: os.Getpid(), Metrics: metrics.URL}})
	if err := m.Begin(); err != nil {
		t.Fatal(err)
	}
	u, err := m.Usage()
	if err != nil || u.ResidentBytesMax < 1<<20 || u.SyncsPerSecond < 1000/u.Took.Seconds()/2 {
		t.Errorf("%+v, %v", u, err)
	}
	if sum, known, err := m.Sum("kafka_log_logflushstats_logflushrateandtimems_count"); sum != 3000 || !known || err != nil {
		t.Error(sum, known, err)
	}
	if err := New([]Node{{ID: 2, PID: -1}}).Begin(); err == nil {
		t.Error("a process that is not there was metered")
	}
}
