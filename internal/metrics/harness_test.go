package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/histogram"
	"github.com/chronik/chronik/internal/meta"
	chronik "github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// counted is a histogram of the values, with bounds of durations.
func counted(values ...time.Duration) histogram.Snapshot {
	h := histogram.New(histogram.Durations())
	for _, v := range values {
		h.Observe(int64(v))
	}
	return h.Snapshot()
}

func powers(values ...int64) histogram.Snapshot {
	h := histogram.New(histogram.Powers(1, 1<<20))
	for _, v := range values {
		h.Observe(v)
	}
	return h.Snapshot()
}

var incarnation = chronik.Incarnation{7}

// image has brokers 1, 2 (fenced) and 3, and a topic of three partitions: led by 1, led
// by 2 although 1 is preferred, and by nobody.
func image(t testing.TB) *meta.Image {
	t.Helper()
	topic := chronik.TopicID{1}
	partition := func(index chronik.Partition, leader chronik.NodeID, isr ...chronik.NodeID) meta.Record {
		return &meta.PartitionRecord{Topic: topic, Index: index,
			Partition: meta.Partition{Replicas: []chronik.NodeID{1, 2, 3}, ISR: isr, Leader: leader}}
	}
	i, _, err := new(meta.Image).Apply([]meta.Record{
		&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 1, Incarnation: incarnation, Epoch: 1}},
		&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 2, Epoch: 1, Fenced: true}},
		&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 3, Epoch: 1}},
		&meta.TopicRecord{ID: topic, Name: "orders"},
		partition(0, 1, 1, 3), partition(1, 2, 1, 2, 3), partition(2, chronik.NoNode, 1),
	}, 42)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// held are the replicas of node 1: of the image's topic, and one that is offline.
func held(now time.Time) []Partition {
	all := []chronik.NodeID{1, 2, 3}
	return []Partition{
		{Topic: "orders", Partition: 0, Leader: 1, LeaderEpoch: 4, Replicas: all, ISR: []chronik.NodeID{1, 3}, MinInsync: 2,
			LogStart: 10, HighWatermark: 90, LogEnd: 100, Size: 5000, Followers: []Follower{
				{Node: 2, LogEnd: 40, LastCaughtUp: now.Add(-time.Minute)},
				{Node: 3, LogEnd: 100, CaughtUp: true, LastCaughtUp: now},
			}},
		{Topic: "orders", Partition: 1, Leader: 2, LeaderEpoch: 5, Replicas: all, ISR: all, MinInsync: 2, LogEnd: 7, HighWatermark: 7},
		{Topic: "orders", Partition: 2, Leader: chronik.NoNode, Replicas: all, ISR: all[:1], MinInsync: 2, Offline: errors.New("segment is gone")},
		{Topic: "logs", Partition: 0, Leader: 1, Replicas: all, ISR: all[:1], MinInsync: 2, Followers: []Follower{
			{Node: 2, LogEnd: chronik.NoOffset}, {Node: 3, LogEnd: chronik.NoOffset},
		}},
	}
}

// sources are of node 1, which leads everything, and have something of everything.
func sources(t testing.TB) Sources {
	t.Helper()
	i := image(t)
	elections := NewElections()
	elections.Observe(80 * time.Millisecond)
	r := &Replication{}
	r.Shrunk()
	r.Shrunk()
	r.Expanded()
	r.Refused()
	r.Received(1000)
	r.Sent(2000)
	r.ReceivedThrottled(300)
	r.SentThrottled(400)
	r.Waiting(5)
	now := time.Now()
	return Sources{
		Node: 1, Incarnation: incarnation, Version: "1.2.3",
		Image: func() *meta.Image { return i },
		Quorum: func() quorum.Status {
			return quorum.Status{Leader: 1, Term: 3, Commit: 41, Voters: []quorum.Replica{
				{Node: 1, LogEnd: 43, LastContact: chronik.TimestampOf(now)},
				{Node: 2, LogEnd: 40, LastContact: chronik.TimestampOf(now.Add(-time.Hour))},
				{Node: 3, LogEnd: 43, LastContact: chronik.NoTimestamp},
			}}
		},
		Server: func() server.Stats {
			st := server.Stats{AcceptErrors: 1, BytesRead: 2, BytesWritten: 3, RequestMemoryBytes: 4, RequestMemoryWaits: 5,
				Listeners: []server.ListenerStats{{Name: "PLAINTEXT", Connections: 6, Accepted: 9}}}
			st.Closed[server.ClosedIdle] = 2
			return st
		},
		Requests: func() api.Stats {
			return api.Stats{
				Requests: []api.RequestStats{
					{Name: "Produce", Versions: []int64{0, 0, 5, 6}, Took: counted(time.Millisecond, 2*time.Millisecond, 900*time.Millisecond)},
					{Name: "Fetch", Versions: []int64{7}, Took: counted(time.Second)},
				},
				Topics:    []api.TopicStats{{Topic: "orders", MessagesIn: 10, BytesIn: 20, BytesOut: 30, ProduceRequests: 40, ProduceFailures: 50, FetchRequests: 60, FetchFailures: 70}},
				AllTopics: api.TopicStats{MessagesIn: 11, BytesIn: 21, BytesOut: 31, ProduceRequests: 41, ProduceFailures: 51, FetchRequests: 61, FetchFailures: 71},

				FetchSessions: 8,
			}
		},
		Commits: func() storage.CommitStats {
			return storage.CommitStats{Took: counted(300*time.Microsecond, 400*time.Microsecond), Appends: powers(1, 30), Bytes: powers(100, 9000)}
		},
		Partitions: func(yield func(*Partition) bool) {
			for _, p := range held(now) {
				if !yield(&p) {
					return
				}
			}
		},
		Disk: Disk{
			Usage: func() (vfs.Usage, error) { return vfs.Usage{TotalBytes: 1000, FreeBytes: 400}, nil },
			Err:   func() error { return nil },
		},
		LogDirs:   []LogDir{{Path: "/disk1", Usage: func() (vfs.Usage, error) { return vfs.Usage{TotalBytes: 2000, FreeBytes: 700}, nil }}},
		Elections: elections, Replication: r,
	}
}

func newMetrics(t testing.TB, s Sources) *Metrics {
	t.Helper()
	m, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// scraped is what Prometheus's parser makes of one scrape.
type scraped map[string]*dto.MetricFamily

func parse(t testing.TB, m *Metrics) scraped {
	t.Helper()
	var text bytes.Buffer
	if err := m.Write(&text); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	all, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// values are the series of a family as "a=b,c=d", with their values.
func (s scraped) values(name string) map[string]float64 {
	all := map[string]float64{}
	for _, m := range s[name].GetMetric() {
		value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		if h := m.GetHistogram(); h != nil {
			value = float64(h.GetSampleCount())
		}
		all[labelsOf(m)] = value
	}
	return all
}

func labelsOf(m *dto.Metric) string {
	var pairs []string
	for _, p := range m.GetLabel() {
		pairs = append(pairs, fmt.Sprintf("%s=%s", p.GetName(), p.GetValue()))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}
