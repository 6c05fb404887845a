package wire

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// produceBody is what a producer with a full batch sends.
func produceBody() (key, version int16, body []byte) {
	r := kmsg.NewPtrProduceRequest()
	r.Version = 9
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = make([]byte, 1<<20)
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "topic", Partitions: []kmsg.ProduceRequestTopicPartition{p}}}
	return r.Key(), r.Version, r.AppendTo(nil)
}

// fetchBody is the first Fetch of a consumer of 1000 partitions.
func fetchBody() (key, version int16, body []byte) {
	r := kmsg.NewPtrFetchRequest()
	r.Version = 18
	topic := kmsg.NewFetchRequestTopic()
	for i := range int32(1000) {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition = i
		topic.Partitions = append(topic.Partitions, p)
	}
	r.Topics = append(r.Topics, topic)
	return r.Key(), r.Version, r.AppendTo(nil)
}

func benchmarkCheck(b *testing.B, key, version int16, body []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := CheckBody(key, version, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckProduceOf1MiB(b *testing.B) {
	key, version, body := produceBody()
	benchmarkCheck(b, key, version, body)
}

func BenchmarkCheckFetchOf1000Partitions(b *testing.B) {
	key, version, body := fetchBody()
	benchmarkCheck(b, key, version, body)
}

func BenchmarkDecodeFetchOf1000Partitions(b *testing.B) {
	key, version, body := fetchBody()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(key, version, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeProduce is that of one batch, as callers that wait send it.
func BenchmarkDecodeProduce(b *testing.B) {
	r := kmsg.NewPtrProduceRequest()
	r.Version = 9
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = make([]byte, 4<<10)
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "topic", Partitions: []kmsg.ProduceRequestTopicPartition{p}}}
	body := r.AppendTo(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(r.Key(), r.Version, body); err != nil {
			b.Fatal(err)
		}
	}
}
