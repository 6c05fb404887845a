package metrics

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/meta"
	chronik "github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/vfs"
)

// Every metric of the list is written, parses, has help and its kind, and no series
// stands there twice.
func TestExpositionParses(t *testing.T) {
	got := parse(t, newMetrics(t, sources(t)))
	for _, f := range families() {
		written := got[f.name]
		if written == nil {
			t.Errorf("%s is not written", f.name)
			continue
		}
		if strings.ToLower(written.GetType().String()) != string(f.kind) {
			t.Errorf("%s is a %v, want a %v", f.name, written.GetType(), f.kind)
		}
		if written.GetHelp() != f.help || !strings.HasSuffix(f.help, ".") || strings.ContainsAny(f.help, "\\\n") {
			t.Errorf("%s has the help %q, want a sentence", f.name, written.GetHelp())
		}
		series := map[string]bool{}
		for _, m := range written.GetMetric() {
			if series[labelsOf(m)] {
				t.Errorf("%s{%s} is written twice", f.name, labelsOf(m))
			}
			series[labelsOf(m)] = true
		}
		delete(got, f.name)
	}
	for name := range got {
		t.Errorf("%s is written, and is not in the list or stands in it twice", name)
	}
}

// Names of chronik's own are as Prometheus wants them. Kafka's are as they are.
func TestNamesOfOurOwn(t *testing.T) {
	var own []*dto.MetricFamily
	for name, f := range parse(t, newMetrics(t, sources(t))) {
		if !strings.HasPrefix(name, "kafka_") {
			own = append(own, f)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(own).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, f := range families() {
		if isKafka := strings.HasPrefix(f.name, "kafka_"); isKafka != (f.mbean != "") {
			t.Errorf("%s names the MBean %q", f.name, f.mbean)
		}
	}
}

func TestValues(t *testing.T) {
	got := parse(t, newMetrics(t, sources(t)))
	for name, want := range map[string]map[string]float64{
		"kafka_server_brokertopicmetrics_messagesin_total":            {"": 11, "topic=orders": 10},
		"kafka_server_brokertopicmetrics_bytesout_total":              {"": 31, "topic=orders": 30},
		"kafka_server_brokertopicmetrics_failedproducerequests_total": {"": 51, "topic=orders": 50},
		"kafka_server_brokertopicmetrics_replicationbytesin_total":    {"": 1000},
		"chronik_replication_throttled_received_bytes_total":          {"": 300},
		"chronik_replication_throttled_sent_bytes_total":              {"": 400},
		"chronik_replication_throttled_partitions":                    {"": 5},
		"kafka_network_requestmetrics_requests_total": {
			"request=Produce,version=2": 5, "request=Produce,version=3": 6,
			"request=Fetch,version=0": 7, "request=FetchConsumer,version=0": 7,
		},
		"kafka_network_requestmetrics_totaltimems_count": {"request=Produce": 3, "request=Fetch": 1, "request=FetchConsumer": 1},
		"chronik_request_duration_seconds":               {"request=Produce": 3, "request=Fetch": 1},

		"kafka_server_replicamanager_partitioncount":            {"": 4},
		"kafka_server_replicamanager_leadercount":               {"": 2},
		"kafka_server_replicamanager_offlinereplicacount":       {"": 1},
		"kafka_server_replicamanager_underreplicatedpartitions": {"": 2},
		"kafka_server_replicamanager_underminisrpartitioncount": {"": 1},
		"kafka_server_replicamanager_atminisrpartitioncount":    {"": 1},
		"kafka_server_replicamanager_isrshrinks_total":          {"": 2},
		"kafka_server_replicamanager_isrexpands_total":          {"": 1},

		"chronik_partition_leader": {
			"partition=0,topic=orders": 1, "partition=1,topic=orders": 2, "partition=2,topic=orders": -1, "partition=0,topic=logs": 1,
		},
		"kafka_cluster_partition_insyncreplicascount": {
			"partition=0,topic=orders": 2, "partition=1,topic=orders": 0, "partition=2,topic=orders": 0, "partition=0,topic=logs": 1,
		},
		"kafka_cluster_partition_underreplicated": {
			"partition=0,topic=orders": 1, "partition=1,topic=orders": 0, "partition=2,topic=orders": 0, "partition=0,topic=logs": 1,
		},
		// The log of orders-2 cannot be opened.
		"kafka_log_log_logendoffset":             {"partition=0,topic=orders": 100, "partition=1,topic=orders": 7, "partition=0,topic=logs": 0},
		"chronik_partition_high_watermark":       {"partition=0,topic=orders": 90, "partition=1,topic=orders": 7, "partition=0,topic=logs": 0},
		"chronik_partition_follower_lag_records": {"follower=2,partition=0,topic=orders": 60, "follower=3,partition=0,topic=orders": 0},

		"kafka_controller_kafkacontroller_activecontrollercount":          {"": 1},
		"kafka_controller_kafkacontroller_activebrokercount":              {"": 2},
		"kafka_controller_kafkacontroller_fencedbrokercount":              {"": 1},
		"kafka_controller_kafkacontroller_globaltopiccount":               {"": 1},
		"kafka_controller_kafkacontroller_globalpartitioncount":           {"": 3},
		"kafka_controller_kafkacontroller_offlinepartitionscount":         {"": 1},
		"kafka_controller_kafkacontroller_preferredreplicaimbalancecount": {"": 2},
		"kafka_server_kafkaserver_brokerstate":                            {"": 3},

		"kafka_server_raft_metrics_current_state_info": {"state=leader": 1},
		"kafka_server_raft_metrics_current_epoch":      {"": 3},
		"kafka_server_raft_metrics_high_watermark":     {"": 42},
		"kafka_server_raft_metrics_log_end_offset":     {"": 43},
		"chronik_raft_voter_lag_entries":               {"voter=1": 0, "voter=2": 3, "voter=3": 0},

		"kafka_server_socket_server_metrics_connection_count": {"listener=PLAINTEXT": 6},
		"kafka_log_logflushstats_logflushrateandtimems_count": {"": 2},
		"chronik_group_commit_appends":                        {"": 2},
		"kafka_log_logmanager_offlinelogdirectorycount":       {"": 0},
		"chronik_data_dir_free_bytes":                         {"": 400},
	} {
		if values := got.values(name); !maps.Equal(values, want) {
			t.Errorf("%s is %v, want %v", name, values, want)
		}
	}
	if lag := got.values("chronik_partition_follower_lag_seconds"); lag["follower=3,partition=0,topic=orders"] != 0 || lag["follower=2,partition=0,topic=orders"] < 59 || len(lag) != 2 {
		t.Errorf("followers lag by seconds: %v", lag)
	}
	if silent := got.values("chronik_raft_voter_silent_seconds"); len(silent) != 1 || silent["voter=2"] < 3599 {
		t.Errorf("voters are silent: %v", silent)
	}
}

func TestQuantilesInMilliseconds(t *testing.T) {
	got := parse(t, newMetrics(t, sources(t))).values("kafka_network_requestmetrics_totaltimems")
	if v := got["quantile=0.50,request=Produce"]; v < 1 || v > 2.5 {
		t.Errorf("the median of 1, 2 and 900 ms is %v", v)
	}
	if v := got["quantile=0.99,request=Produce"]; v < 700 || v > 1100 {
		t.Errorf("the 99th percentile of 1, 2 and 900 ms is %v", v)
	}
	if len(got) != 3*6 {
		t.Errorf("%d quantiles, want six of Produce, Fetch and FetchConsumer each", len(got))
	}
}

// What the format gives a meaning to stays part of a label's value.
func TestLabelsAreEscaped(t *testing.T) {
	const odd = "a\\b\"c\nd{}="
	s := sources(t)
	s.Version = odd
	got := parse(t, newMetrics(t, s)).values("chronik_build_info")
	if got["goversion="+runtime.Version()+",version="+odd] != 1 {
		t.Errorf("written as %v", got)
	}
}

func TestNumbers(t *testing.T) {
	for number, want := range map[float64]string{
		0: "0", -1: "-1", 1_000_000: "1000000", 0.00025: "0.00025", 1.5e9: "1500000000", 1e300: "1e+300", math.Inf(1): "+Inf",
	} {
		if got := string(appendNumber(nil, number)); got != want {
			t.Errorf("%v is written %s, want %s", number, got, want)
		}
	}
}

func TestBucketsOfDurations(t *testing.T) {
	f := parse(t, newMetrics(t, sources(t)))["chronik_group_commit_duration_seconds"]
	h := f.GetMetric()[0].GetHistogram()
	bounds := map[float64]uint64{}
	for _, b := range h.GetBucket() {
		bounds[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	if bounds[0.00025] != 0 || bounds[0.0005] != 2 || bounds[100] != 2 || len(bounds) > 20 {
		t.Errorf("0.3 and 0.4 ms are in the buckets %v", bounds)
	}
	if sum := h.GetSampleSum(); sum < 0.00069 || sum > 0.00071 {
		t.Errorf("0.3 and 0.4 ms together are %v s", sum)
	}
}

// A node that has just started knows little, and says what it knows.
func TestScrapeBeforeThereIsMetadata(t *testing.T) {
	s := sources(t)
	s.Image = func() *meta.Image { return nil }
	s.Quorum = func() quorum.Status { return quorum.Status{Leader: chronik.NoNode} }
	s.Requests = func() api.Stats { return api.Stats{} }
	s.Partitions = func(func(*Partition) bool) {}
	s.Disk.Usage = func() (vfs.Usage, error) { return vfs.Usage{}, errors.New("no such call") }
	s.Disk.Err = func() error { return errors.New("a write failed") }
	got := parse(t, newMetrics(t, s))
	for name, want := range map[string]map[string]float64{
		"kafka_server_kafkaserver_brokerstate":                   {"": 1},
		"kafka_controller_kafkacontroller_activecontrollercount": {"": 0},
		"kafka_controller_kafkacontroller_globaltopiccount":      {},
		"kafka_server_raft_metrics_current_state_info":           {"state=observer": 1},
		"kafka_log_logmanager_offlinelogdirectorycount":          {"": 1},
		"chronik_data_dir_size_bytes":                            {},
		"kafka_server_raft_metrics_log_end_offset":               {},
	} {
		if values := got.values(name); !maps.Equal(values, want) {
			t.Errorf("%s is %v, want %v", name, values, want)
		}
	}
}

// Who has not registered in this run is starting, whatever an earlier run was.
func TestBrokerState(t *testing.T) {
	self := meta.Broker{ID: 1, Incarnation: incarnation, Epoch: 1}
	for _, c := range []struct {
		change func(*meta.Broker)
		want   brokerState
	}{
		{func(*meta.Broker) {}, brokerRunning},
		{func(b *meta.Broker) { b.Fenced = true }, brokerRecovery},
		{func(b *meta.Broker) { b.Leaving = true }, brokerLeaving},
		{func(b *meta.Broker) { b.Incarnation = chronik.Incarnation{9} }, brokerStarting},
		{func(b *meta.Broker) { b.ID = 2 }, brokerStarting},
	} {
		b := self
		c.change(&b)
		i, _, err := new(meta.Image).Apply([]meta.Record{&meta.RegisterBrokerRecord{Broker: b}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := clusterOf(i, 1, incarnation).state; got != c.want {
			t.Errorf("the state of %+v is %d, want %d", b, got, c.want)
		}
	}
}

func TestRaftState(t *testing.T) {
	voters := []quorum.Replica{{Node: 1}, {Node: 2}}
	for _, c := range []struct {
		status quorum.Status
		want   string
	}{
		{quorum.Status{Leader: 1, Voters: voters}, "leader"},
		{quorum.Status{Leader: 2, Voters: voters}, "follower"},
		{quorum.Status{Leader: chronik.NoNode, Voters: voters}, "unattached"},
		{quorum.Status{Leader: 2, Voters: voters[1:], Learners: voters[:1]}, "observer"},
	} {
		if got := RaftState(&c.status, 1); got != c.want {
			t.Errorf("%+v is %s, want %s", c.status, got, c.want)
		}
	}
}

func TestQuantilesLookBackMinutes(t *testing.T) {
	var r recent
	start := time.Unix(1000, 0)
	slow, fast := counted(time.Second), counted(time.Second, time.Millisecond)
	for _, c := range []struct {
		after time.Duration
		s     []time.Duration
		want  int64 // values looked at
	}{
		{0, []time.Duration{1}, 1},
		{30 * time.Second, []time.Duration{1, 2}, 2},
		{70 * time.Second, []time.Duration{1, 2, 3}, 2},           // without what the first scrape saw
		{90 * time.Second, []time.Duration{1, 2, 3, 4}, 3},        //
		{130 * time.Second, []time.Duration{1, 2, 3, 4, 5}, 2},    // without what the third saw
		{24 * time.Hour, []time.Duration{1, 2, 3, 4, 5, 6}, 1},    // without what the fifth saw
		{24*time.Hour + 1, []time.Duration{1, 2, 3, 4, 5, 6}, 1},  //
		{25 * time.Hour, []time.Duration{1, 2, 3, 4, 5, 6, 7}, 1}, //
		{26 * time.Hour, []time.Duration{1, 2, 3, 4, 5, 6, 7}, 0}, //
	} {
		if got := r.of(counted(c.s...), start.Add(c.after)).Count(); got != c.want {
			t.Errorf("after %v: %d values, want %d", c.after, got, c.want)
		}
	}
	var other recent
	other.of(slow, start)
	other.of(slow, start.Add(2*recentMin))
	if v, _ := other.of(fast, start.Add(3*recentMin)).Quantile(0.5); v > 2e6 {
		t.Errorf("the median is %v ns, of what was slow before the last minutes too", v)
	}
}

func TestScrapesAtOnce(t *testing.T) {
	m := newMetrics(t, sources(t))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				if err := m.Write(io.Discard); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestScrapeEndsWithItsReader(t *testing.T) {
	m := newMetrics(t, sources(t))
	if err := m.Write(gone{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("wrote to a reader that is gone: %v", err)
	}
}

type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestEverySourceIsNeeded(t *testing.T) {
	s := sources(t)
	s.Commits = nil
	if _, err := New(s); err == nil {
		t.Error("took sources of which one is missing")
	}
}

// BenchmarkScrapeOf10000Partitions is what a node of 10,000 replicas pays, of which it
// leads a third, for one scrape.
func BenchmarkScrapeOf10000Partitions(b *testing.B) {
	const count = 10_000
	nodes := []chronik.NodeID{1, 2, 3}
	records := []meta.Record{&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 1, Incarnation: incarnation, Epoch: 1}}}
	for n := range count / 10 {
		id := chronik.TopicID{byte(n), byte(n >> 8), 1}
		records = append(records, &meta.TopicRecord{ID: id, Name: strings.Repeat("topic", 4) + string(rune('a'+n%26)) + string(rune(0x100+n))})
		for p := range 10 {
			records = append(records, &meta.PartitionRecord{Topic: id, Index: chronik.Partition(p),
				Partition: meta.Partition{Replicas: nodes, ISR: nodes, Leader: nodes[p%3]}})
		}
	}
	i, _, err := new(meta.Image).Apply(records, 1)
	if err != nil {
		b.Fatal(err)
	}
	s := sources(b)
	s.Image = func() *meta.Image { return i }
	s.Partitions = func(yield func(*Partition) bool) {
		followers := []Follower{{Node: 2, LogEnd: 10}, {Node: 3, LogEnd: 10, CaughtUp: true}}
		for topic := range i.Topics.All() {
			for n := range topic.Partitions {
				p := Partition{Topic: topic.Name, Partition: chronik.Partition(n), Leader: topic.Partitions[n].Leader,
					Replicas: nodes, ISR: nodes, MinInsync: 2, LogEnd: 1_000_000, HighWatermark: 1_000_000, Size: 1 << 30}
				if p.Leader == 1 {
					p.Followers = followers
				}
				if !yield(&p) {
					return
				}
			}
		}
	}
	m := newMetrics(b, s)
	var size bytes.Buffer
	if err := m.Write(&size); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size.Len()), "bytes-written")
}
