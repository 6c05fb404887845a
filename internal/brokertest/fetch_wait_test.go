package brokertest

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/record"
)

func fetchedBytes(resp *kmsg.FetchResponse) []int {
	var sizes []int
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			sizes = append(sizes, len(p.RecordBatches))
		}
	}
	return sizes
}

// A fetch waits until min.bytes are there, and no longer: were it not woken, the
// connection's deadline would end the test.
func TestFetchWaitsForItsLeastBytes(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 1, "t")
	batch := goodBatch(record.CodecNone, []byte("v"))
	produceTo(t, b.Raw(t), -1, "t", batch)
	waiting := b.Raw(t)
	r := fetchOf(map[int32]int64{0: 0})
	r.MaxWaitMillis, r.MinBytes = 600_000, int32(2*len(batch))
	waiting.Send(Frame(r, 7))
	produceTo(t, b.Raw(t), -1, "t", batch)
	resp, err := waiting.Answer(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := fetchedBytes(resp.(*kmsg.FetchResponse)); len(got) != 1 || got[0] != 2*len(batch) {
		t.Errorf("fetched %v bytes, at least %d were asked for", got, 2*len(batch))
	}
}

func TestFetchAnswersWithWhatThereIsOnceItsTimeIsUp(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 1, "t")
	batch := goodBatch(record.CodecNone, []byte("v"))
	produceTo(t, b.Raw(t), -1, "t", batch)
	r := fetchOf(map[int32]int64{0: 0})
	r.MaxWaitMillis, r.MinBytes = 1, 1<<20
	resp := b.Raw(t).Ask(r).(*kmsg.FetchResponse)
	if got := fetchedBytes(resp); len(got) != 1 || got[0] != len(batch) {
		t.Errorf("fetched %v bytes, %d are there", got, len(batch))
	}
}

// An unknown partition is told of at once, though others have nothing yet.
func TestFetchWithAnErrorDoesNotWait(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 1, "t")
	r := fetchOf(map[int32]int64{0: 0, 9: 0})
	r.MaxWaitMillis = 600_000
	resp := b.Raw(t).Ask(r).(*kmsg.FetchResponse)
	if p := resp.Topics[0].Partitions; len(p) != 2 || p[0].ErrorCode != 0 || p[1].ErrorCode == 0 {
		t.Errorf("answered with %+v", p)
	}
}

// Limits below the size of a batch hold for every batch but the first (KIP-74):
// a consumer with small limits still gets on.
func TestFetchReturnsAtLeastOneBatch(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 1, "t")
	batch := goodBatch(record.CodecNone, bytes.Repeat([]byte("v"), 1000))
	for range 4 {
		produceTo(t, b.Raw(t), -1, "t", batch)
	}
	f := func(name string, requestMax, partitionMax int32, want int) {
		t.Helper()
		r := fetchOf(map[int32]int64{0: 0})
		r.MaxBytes, r.Topics[0].Partitions[0].PartitionMaxBytes = requestMax, partitionMax
		resp := b.Raw(t).Ask(r).(*kmsg.FetchResponse)
		if got := fetchedBytes(resp); len(got) != 1 || got[0] != want {
			t.Errorf("%s: fetched %v bytes, want %d", name, got, want)
		}
	}
	size := int32(len(batch))
	f("a small partition limit", 1<<20, 1, len(batch))
	f("a small request limit", 1, 1<<20, len(batch))
	f("two batches", 1<<20, 2*size, 2*len(batch))
	f("all", 1<<20, 1<<20, 4*len(batch))
}

// The one batch is that of the first partition which has any; behind it the
// request's limit holds.
func TestFetchLimitHoldsBehindTheFirstPartition(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 2, "t")
	batch := goodBatch(record.CodecNone, bytes.Repeat([]byte("v"), 1000))
	for partition := range int32(2) {
		r := kmsg.NewPtrProduceRequest()
		r.Version, r.Acks, r.TimeoutMillis = 9, -1, 10_000
		topic, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
		topic.Topic, p.Partition, p.Records = "t", partition, batch
		topic.Partitions = append(topic.Partitions, p)
		r.Topics = append(r.Topics, topic)
		b.Raw(t).Ask(r)
	}
	r := fetchOf(map[int32]int64{0: 0, 1: 0})
	r.MaxBytes = 10
	resp := b.Raw(t).Ask(r).(*kmsg.FetchResponse)
	if got := fetchedBytes(resp); len(got) != 2 || got[0] != len(batch) || got[1] != 0 {
		t.Errorf("fetched %v bytes, want %d of the first partition alone", got, len(batch))
	}
}
