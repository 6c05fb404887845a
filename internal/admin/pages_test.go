package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	prometheus "github.com/prometheus/common/model"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// The first page names every other, and each is there.
func TestIndexNamesThePages(t *testing.T) {
	o := options(t)
	w := ask(t, o, http.MethodGet, "/")
	for _, page := range []string{"/metrics", "/healthz", "/readyz", "/debug/partitions", "/debug/raft", "/debug/pprof/"} {
		if !strings.Contains(w.Body.String(), "\n"+page) {
			t.Errorf("the first page does not name %s", page)
		}
		if got := ask(t, o, http.MethodGet, page); got.Code != http.StatusOK {
			t.Errorf("%s is %d", page, got.Code)
		}
		if got := ask(t, o, http.MethodHead, page); got.Code != http.StatusOK {
			t.Errorf("HEAD of %s is %d", page, got.Code)
		}
		if got := ask(t, o, http.MethodPost, page); got.Code != http.StatusMethodNotAllowed || strings.Count(got.Body.String(), "\n") != 1 {
			t.Errorf("POST to %s is %d: %q", page, got.Code, got.Body)
		}
	}
	for _, nowhere := range []string{"/nowhere", "/metrics/x", "/debug/pprof/cmdline"} {
		if got := ask(t, o, http.MethodGet, nowhere); got.Code != http.StatusNotFound || strings.Count(got.Body.String(), "\n") != 1 {
			t.Errorf("%s is %d: %q", nowhere, got.Code, got.Body)
		}
	}
}

func TestMetricsPage(t *testing.T) {
	w := ask(t, options(t), http.MethodGet, "/metrics")
	if w.Header().Get("Content-Type") != metrics.ContentType {
		t.Errorf("content type %q", w.Header().Get("Content-Type"))
	}
	parser := expfmt.NewTextParser(prometheus.LegacyValidation)
	all, err := parser.TextToMetricFamilies(w.Body)
	if err != nil || all["kafka_server_replicamanager_partitioncount"] == nil {
		t.Errorf("%d families, %v", len(all), err)
	}
}

func TestHealth(t *testing.T) {
	o := options(t)
	if w := ask(t, o, http.MethodGet, "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	o.DiskErr = func() error { return errors.New("data directory is fenced: sync failed") }
	if w := ask(t, o, http.MethodGet, "/healthz"); w.Code != http.StatusServiceUnavailable || w.Body.String() != "data directory is fenced: sync failed\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	o.DiskErr = func() error { return nil }
	// Alive is not ready.
	o.Image = func() *meta.Image { return nil }
	if w := ask(t, o, http.MethodGet, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("%d before there is metadata", w.Code)
	}
}

func TestReadiness(t *testing.T) {
	broker := func(change func(*meta.Broker)) []meta.Record {
		b := meta.Broker{ID: 1, Incarnation: incarnation, Epoch: 2}
		change(&b)
		return []meta.Record{&meta.RegisterBrokerRecord{Broker: b}}
	}
	all, without := []model.NodeID{1, 2, 3}, []model.NodeID{2, 3}
	for _, c := range []struct {
		name    string
		records []meta.Record
		disk    error
		missing []string // parts of the sentences
		named   []string
	}{
		{name: "in everything", records: topic("orders", all, all)},
		{name: "without topics"},
		{name: "a disk that is fenced", disk: errors.New("sync failed"), missing: []string{"sync failed"}},
		{name: "fenced", records: broker(func(b *meta.Broker) { b.Fenced = true }), missing: []string{"is fenced"}},
		{name: "leaving", records: broker(func(b *meta.Broker) { b.Leaving = true }), missing: []string{"controlled shutdown"}},
		{name: "only an earlier run is registered", records: broker(func(b *meta.Broker) { b.Incarnation = model.Incarnation{1} }),
			missing: []string{"has not registered"}},
		{name: "out of two", records: slices.Concat(topic("orders", all, without, all), topic("a", without)),
			missing: []string{"not in sync: 2 of 4 partitions"}, named: []string{"a-0", "orders-1"}},
		{name: "has lost something", records: append(topic("orders", all), &meta.PartitionChangeRecord{
			Topic: model.TopicID{'o', 's'}, Elect: true, Leader: 2, SetLost: true, Lost: []model.NodeID{1}}),
			missing: []string{"1 of 1"}, named: []string{"orders-0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := readinessOf(image(t, c.records...), 1, incarnation, c.disk)
			if r.Ready != (len(c.missing) == 0) || len(r.Missing) != len(c.missing) || !slices.Equal(r.OutOfSync, c.named) {
				t.Fatalf("%+v, want %q and %q", r, c.missing, c.named)
			}
			for i, part := range c.missing {
				if !strings.Contains(r.Missing[i], part) {
					t.Errorf("missing %q, want %q", r.Missing[i], part)
				}
			}
		})
	}
	if r := readinessOf(nil, 1, incarnation, nil); r.Ready || len(r.Missing) != 1 {
		t.Errorf("before there is metadata: %+v", r)
	}
	if r := readinessOf(image(t, topic("orders", without)...), 4, incarnation, nil); len(r.OutOfSync) != 0 {
		t.Errorf("a node without replicas is out of sync: %+v", r)
	}
	many := slices.Repeat([][]model.NodeID{without}, 50)
	if r := readinessOf(image(t, topic("orders", many...)...), 1, incarnation, nil); len(r.OutOfSync) != outOfSyncMax || r.OutOfSync[2] != "orders-2" {
		t.Errorf("out of 50: %+v", r)
	}
}

func TestReadyPage(t *testing.T) {
	o := options(t)
	var page readiness
	w := ask(t, o, http.MethodGet, "/readyz")
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK || !page.Ready || page.Node != 1 {
		t.Errorf("%d %s, %v", w.Code, w.Body, err)
	}
	i := image(t, topic("orders", []model.NodeID{2, 3})...)
	o.Image = func() *meta.Image { return i }
	w = ask(t, o, http.MethodGet, "/readyz")
	page = readiness{}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusServiceUnavailable || page.Ready || !slices.Equal(page.OutOfSync, []string{"orders-0"}) {
		t.Errorf("%d %s, %v", w.Code, w.Body, err)
	}
}

func TestPartitionsAsJSON(t *testing.T) {
	w := ask(t, options(t), http.MethodGet, "/debug/partitions")
	const want = `[
{"topic":"logs","partition":0,"leader":3,"leader_epoch":1,"replicas":[1,2,3],"isr":[1,2,3],"min_insync":2,"log_start":0,"high_watermark":7,"log_end":7,"size":0},
{"topic":"orders","partition":2,"leader":1,"leader_epoch":4,"replicas":[1,2,3],"isr":[1,3],"min_insync":2,"log_start":10,"high_watermark":90,"log_end":100,"size":5000,"followers":[{"node":2,"log_end":40,"lag_records":60,"caught_up":false,"last_caught_up":"2026-11-27T12:00:00Z"},{"node":3,"log_end":100,"lag_records":0,"caught_up":true,"last_caught_up":"2026-11-27T12:00:00Z"}]},
{"topic":"orders","partition":10,"leader":-1,"leader_epoch":0,"replicas":[1,2,3],"isr":[1],"min_insync":2,"offline":"segment\nis gone"}
]
`
	if w.Body.String() != want {
		t.Errorf("got\n%s\nwant\n%s", w.Body, want)
	}
	var rows []partitionRow
	if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || len(rows) != 3 || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d rows of %q, %v", len(rows), w.Header().Get("Content-Type"), err)
	}
}

func TestPartitionsAsText(t *testing.T) {
	w := ask(t, options(t), http.MethodGet, "/debug/partitions?format=text")
	const want = `partition  leader  epoch  replicas  in sync  start  high watermark  end  bytes  followers
logs-0     3       1      1,2,3     1,2,3    0      7               7    0      -
orders-2   1       4      1,2,3     1,3      10     90              100  5000   2 lacks 60, 3 caught up
orders-10  none    0      1,2,3     1        offline: segment is gone
`
	if w.Body.String() != want {
		t.Errorf("got\n%s\nwant\n%s", w.Body, want)
	}
}

func TestPartitionsOfATopic(t *testing.T) {
	o := options(t)
	if w := ask(t, o, http.MethodGet, "/debug/partitions?topic=logs"); strings.Count(w.Body.String(), `"topic"`) != 1 || !strings.Contains(w.Body.String(), `"logs"`) {
		t.Errorf("of logs: %s", w.Body)
	}
	if w := ask(t, o, http.MethodGet, "/debug/partitions?topic=none"); w.Code != http.StatusNotFound || w.Body.String() != "this node has no replica of a topic \"none\"\n" {
		t.Errorf("of a topic that is not there: %d %q", w.Code, w.Body)
	}
	if w := ask(t, o, http.MethodGet, "/debug/partitions?format=xml"); w.Code != http.StatusBadRequest || w.Body.String() != "format is \"xml\"; it may be json or text\n" {
		t.Errorf("in another format: %d %q", w.Code, w.Body)
	}
	o.Partitions = func(func(*metrics.Partition) bool) {}
	if w := ask(t, o, http.MethodGet, "/debug/partitions"); w.Code != http.StatusOK || w.Body.String() != "[\n]\n" {
		t.Errorf("of a node without any: %d %q", w.Code, w.Body)
	}
}

func TestRaftPage(t *testing.T) {
	w := ask(t, options(t), http.MethodGet, "/debug/raft")
	var got bytes.Buffer
	if err := json.Compact(&got, w.Body.Bytes()); err != nil {
		t.Fatal(err)
	}
	const want = `{"node":1,"state":"leader","leader":1,"term":3,"commit":9,"applied":9,"voters":[` +
		`{"node":1,"directory":"AQAAAAAAAAAAAAAAAAAAAA","log_end":10,"last_contact":"2026-11-27T12:00:00Z","last_caught_up":"2026-11-27T12:00:00Z"},` +
		`{"node":2}],"learners":[]}`
	if got.String() != want {
		t.Errorf("got %s\nwant %s", got.String(), want)
	}
}

// A bug in a page costs that answer, and is in the log.
func TestPanicIsAnswered(t *testing.T) {
	o := options(t)
	o.Quorum = func() quorum.Status { panic("nobody home") }
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if w := ask(t, o, http.MethodGet, "/debug/raft"); w.Code != http.StatusInternalServerError || strings.Count(w.Body.String(), "\n") != 1 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "nobody home") {
		t.Errorf("the log has %q", log.String())
	}
}

func BenchmarkPartitionsPageOf10000(b *testing.B) {
	o := options(b)
	one := held(contact)[1]
	o.Partitions = func(yield func(*metrics.Partition) bool) {
		for i := range 10_000 {
			p := one
			p.Partition = model.Partition(i)
			if !yield(&p) {
				return
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		writeRows(io.Discard, partitionRows(o.Partitions, ""))
	}
}
