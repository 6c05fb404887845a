package api

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
)

// topics is an image of topics, each named after its number.
func topics(t testing.TB, numbers ...byte) *meta.Image {
	t.Helper()
	var records []meta.Record
	for _, n := range numbers {
		id := model.TopicID{n}
		records = append(records, &meta.TopicRecord{ID: id, Name: string(rune('a' + n))}, &meta.PartitionRecord{
			Topic: id, Partition: meta.Partition{Replicas: []model.NodeID{1}, ISR: []model.NodeID{1}, Leader: 1}})
	}
	image, _, err := new(meta.Image).Apply(records, 1)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func call(t testing.TB, h *Handler, r kmsg.Request, received time.Time) {
	t.Helper()
	req := &server.Request{
		Key: r.Key(), Version: r.GetVersion(), Body: r.AppendTo(nil), Conn: &server.ConnInfo{}, Received: received,
	}
	reply, err := h.Start(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestStatsOfRequests(t *testing.T) {
	image := topics(t)
	h := New(Services{Image: func() *meta.Image { return image }})
	if all := h.Stats().Requests; len(all) != 0 {
		t.Fatalf("there were requests before the first: %v", all)
	}
	for _, version := range []int16{0, 4, 4} {
		r := kmsg.NewPtrApiVersionsRequest()
		r.ClientSoftwareName, r.ClientSoftwareVersion = "test", "1"
		r.SetVersion(version)
		call(t, h, r, time.Now().Add(-time.Second))
	}
	all := h.Stats().Requests
	if len(all) != 1 || all[0].Name != "ApiVersions" {
		t.Fatalf("requests of %v, want of ApiVersions", all)
	}
	if v := all[0].Versions; v[0] != 1 || v[4] != 2 {
		t.Errorf("versions %v, want one of 0 and two of 4", v)
	}
	took := all[0].Took
	if took.Count() != 3 || time.Duration(took.Sum) < 3*time.Second {
		t.Errorf("%d were answered, in %v together; each came a second ago", took.Count(), time.Duration(took.Sum))
	}
}

// A produce request that is refused for what newer metadata would have told is
// answered, and no failure.
func TestStatsOfRefusedProduce(t *testing.T) {
	image := topics(t, 1)
	h := New(Services{Image: func() *meta.Image { return image }, Partitions: noPartitions{}})
	r := kmsg.NewPtrProduceRequest()
	r.SetVersion(9)
	r.Acks = 1
	for _, name := range []string{"b", "nowhere"} {
		topic := kmsg.NewProduceRequestTopic()
		topic.Topic = name
		topic.Partitions = []kmsg.ProduceRequestTopicPartition{{Records: []byte{}}}
		r.Topics = append(r.Topics, topic)
	}
	call(t, h, r, time.Now())
	st := h.Stats()
	if len(st.Requests) != 1 || st.Requests[0].Name != "Produce" || st.Requests[0].Took.Count() != 1 {
		t.Errorf("requests %v", st.Requests)
	}
	want := TopicStats{Topic: "b", ProduceRequests: 1}
	if len(st.Topics) != 1 || st.Topics[0] != want {
		t.Errorf("topics %+v, want %+v", st.Topics, want)
	}
}

type noPartitions struct{}

func (noPartitions) Get(model.TopicPartition) *partition.Partition { return nil }
func (noPartitions) Offline(model.TopicPartition) error            { return nil }
func (noPartitions) AlterDirectory(model.TopicPartition, string) error {
	return partition.ErrNotHere
}
func (noPartitions) Moves() []partition.Move                          { return nil }
func (noPartitions) All() func(yield func(*partition.Partition) bool) { return nil }

func TestProduceCountsWhatIsNew(t *testing.T) {
	counts := &topicCounts{}
	appended := produceAppend{counts: counts, pending: partition.Pending{Appended: storage.Appended{BaseOffset: 10, EndOffset: 13}}}
	appended.count(100)
	again := appended
	again.pending.Duplicate = true
	again.count(100)
	refused := produceAppend{counts: counts, err: partition.ErrNotEnoughReplicas}
	refused.count(100)
	h := New(Services{Image: func() *meta.Image { return topics(t) }})
	for _, err := range []error{partition.ErrNotEnoughReplicas, partition.ErrNotLeader, context.DeadlineExceeded} {
		h.failProduced(&kmsg.ProduceRequest{}, &produceAppend{counts: counts, err: err, resp: &kmsg.ProduceResponseTopicPartition{}})
	}
	var got TopicStats
	got.add(counts)
	if want := (TopicStats{MessagesIn: 3, BytesIn: 100, ProduceFailures: 2}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestFetchCountsWhatIsAnswered(t *testing.T) {
	counts := &topicCounts{}
	result := func(code *kerr.Error, bytes int) fetchResult {
		r := fetchResult{resp: kmsg.NewFetchResponseTopicPartition()}
		r.resp.RecordBatches = make([]byte, bytes)
		if code != nil {
			r.resp.ErrorCode = code.Code
		}
		return r
	}
	f := &fetch{
		targets: []fetchTarget{{counts: counts}, {counts: counts}, {counts: counts}, {}},
		results: []fetchResult{result(nil, 70), result(kerr.KafkaStorageError, 0), result(kerr.OffsetOutOfRange, 0), result(kerr.UnknownTopicID, 0)},
	}
	f.count()
	var got TopicStats
	got.add(counts)
	if want := (TopicStats{BytesOut: 70, FetchRequests: 3, FetchFailures: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// Counters of deleted topics go, and what they counted stays in the sum.
func TestTopicTableForgetsDeletedTopics(t *testing.T) {
	image := topics(t, 1, 2)
	table := &topicTable{image: func() *meta.Image { return image }}
	table.of(model.TopicID{1}).bytesIn.Add(10)
	table.of(model.TopicID{2}).bytesIn.Add(5)
	table.of(model.TopicID{1}).bytesIn.Add(10)
	if each, all := table.stats(); len(each) != 2 || all.BytesIn != 25 {
		t.Errorf("%v, together %+v", each, all)
	}
	const sameShard = 1 + topicShards
	image = topics(t, 2, sameShard)
	if each, all := table.stats(); len(each) != 1 || each[0].BytesIn != 5 || all.BytesIn != 25 {
		t.Errorf("after topic 1 was deleted: %v, together %+v", each, all)
	}
	table.of(model.TopicID{sameShard})
	if topics := *table.shard(model.TopicID{1}).topics.Load(); len(topics) != 1 {
		t.Errorf("%d topics are kept, want the living one", len(topics))
	}
	if _, all := table.stats(); all.BytesIn != 25 {
		t.Errorf("together %+v, want 25 bytes still", all)
	}
}

func TestTopicTableCostsNoAllocation(t *testing.T) {
	image := topics(t, 1)
	table := &topicTable{image: func() *meta.Image { return image }}
	table.of(model.TopicID{1})
	if n := testing.AllocsPerRun(100, func() { table.of(model.TopicID{1}).bytesIn.Add(1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
