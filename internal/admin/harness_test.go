package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var incarnation = model.Incarnation{7}

// image applies records to the metadata of a cluster in which node 1 is registered.
func image(t testing.TB, records ...meta.Record) *meta.Image {
	t.Helper()
	all := append([]meta.Record{&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 1, Incarnation: incarnation, Epoch: 1}}}, records...)
	i, _, err := new(meta.Image).Apply(all, 9)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// topic is a topic with a partition for each of the in-sync sets, on nodes 1, 2 and 3.
func topic(name string, sets ...[]model.NodeID) []meta.Record {
	id := model.TopicID{name[0], name[len(name)-1]}
	records := []meta.Record{&meta.TopicRecord{ID: id, Name: name}}
	for i, set := range sets {
		records = append(records, &meta.PartitionRecord{Topic: id, Index: model.Partition(i),
			Partition: meta.Partition{Replicas: []model.NodeID{1, 2, 3}, ISR: set, Leader: set[0]}})
	}
	return records
}

func held(now time.Time) []metrics.Partition {
	all := []model.NodeID{1, 2, 3}
	return []metrics.Partition{
		{Topic: "orders", Partition: 10, Leader: model.NoNode, Replicas: all, ISR: all[:1], MinInsync: 2, Offline: errors.New("segment\nis gone")},
		{Topic: "orders", Partition: 2, Leader: 1, LeaderEpoch: 4, Replicas: all, ISR: []model.NodeID{1, 3}, MinInsync: 2,
			LogStart: 10, HighWatermark: 90, LogEnd: 100, Size: 5000, Followers: []metrics.Follower{
				{Node: 2, LogEnd: 40, LastCaughtUp: now},
				{Node: 3, LogEnd: 100, CaughtUp: true, LastCaughtUp: now},
			}},
		{Topic: "logs", Partition: 0, Leader: 3, LeaderEpoch: 1, Replicas: all, ISR: all, MinInsync: 2, LogEnd: 7, HighWatermark: 7},
	}
}

// contact is when node 2 was heard of.
var contact = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// options are of a healthy node 1 that leads the quorum.
func options(t testing.TB) Options {
	t.Helper()
	i := image(t, topic("orders", []model.NodeID{1, 2, 3})...)
	o := Options{
		Listeners: []net.Listener{listen(t)}, Logger: slog.New(slog.DiscardHandler), Node: 1, Incarnation: incarnation,
		Image: func() *meta.Image { return i },
		Quorum: func() quorum.Status {
			return quorum.Status{Leader: 1, Term: 3, Commit: 9, Voters: []quorum.Replica{
				{Node: 1, Directory: model.DirectoryID{1}, LogEnd: 10, LastContact: model.TimestampOf(contact), LastCaughtUp: model.TimestampOf(contact)},
				{Node: 2, LogEnd: model.NoOffset, LastContact: model.NoTimestamp, LastCaughtUp: model.NoTimestamp},
			}}
		},
		Partitions: func(yield func(*metrics.Partition) bool) {
			for _, p := range held(contact) {
				if !yield(&p) {
					return
				}
			}
		},
		DiskErr: func() error { return nil },
	}
	var err error
	o.Metrics, err = metrics.New(metrics.Sources{
		Node: 1, Incarnation: incarnation, Version: "1", Image: o.Image, Quorum: o.Quorum, Partitions: o.Partitions,
		Server:    func() server.Stats { return server.Stats{} },
		Requests:  func() api.Stats { return api.Stats{} },
		Commits:   func() storage.CommitStats { return storage.CommitStats{} },
		Disk:      metrics.Disk{Err: o.DiskErr, Usage: func() (vfs.Usage, error) { return vfs.Usage{}, nil }},
		Elections: metrics.NewElections(), Replication: &metrics.Replication{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func newServer(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask asks a server for a page without a network.
func ask(t testing.TB, o Options, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	newServer(t, o).http.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

// running is a server that runs.
type running struct {
	url    string
	client *http.Client
	stop   context.CancelFunc
	ended  chan error
}

func run(t testing.TB, o Options) *running {
	t.Helper()
	s := newServer(t, o)
	ctx, stop := context.WithCancel(t.Context())
	r := &running{url: "http://" + o.Listeners[0].Addr().String(), stop: stop, ended: make(chan error, 1)}
	transport := &http.Transport{}
	r.client = &http.Client{Transport: transport}
	go func() { r.ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		transport.CloseIdleConnections()
	})
	return r
}

func (r *running) get(t testing.TB, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := r.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
