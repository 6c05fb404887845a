package brokertest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What each client library is put through: create a topic, produce with every
// codec, read it back in order.

func TestFranzGoProducesAndConsumesEveryCodec(t *testing.T) {
	b := Start(t, t.TempDir())
	ctx := Context(t)
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	admin := kadm.NewClient(b.Client())
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			if _, err := admin.CreateTopic(ctx, 1, 1, nil, name); err != nil {
				t.Fatal(err)
			}
			producer := Client(t, b.Addr, kgo.DefaultProduceTopic(name), kgo.ProducerBatchCompression(codec))
			var want []string
			for i := range 500 {
				want = append(want, fmt.Sprintf("%s record %d", name, i))
				producer.Produce(ctx, kgo.StringRecord(want[i]), nil)
			}
			if err := producer.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			consumer := Client(t, b.Addr, kgo.ConsumeTopics(name), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			if got := consume(ctx, t, consumer, len(want)); !slices.Equal(got, want) {
				t.Errorf("read back %d records that are not the %d produced", len(got), len(want))
			}
		})
	}
}

// consume reads n values.
func consume(ctx context.Context, t *testing.T, c *kgo.Client, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", len(got), err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

func TestSaramaProducesAndConsumesEveryCodec(t *testing.T) {
	b := Start(t, t.TempDir())
	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	}
	for _, codec := range codecs {
		t.Run(codec.String(), func(t *testing.T) {
			cfg := sarama.NewConfig()
			cfg.Version = sarama.V2_8_0_0
			cfg.Producer.Return.Successes = true
			cfg.Producer.RequiredAcks = sarama.WaitForAll
			cfg.Producer.Compression = codec
			producer, err := sarama.NewSyncProducer([]string{b.Addr}, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer producer.Close()
			topic := "sarama-" + codec.String()
			for i := range 50 {
				message := &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i))}
				if _, offset, err := producer.SendMessage(message); err != nil || offset != int64(i) {
					t.Fatalf("record %d: offset %d, %v", i, offset, err)
				}
			}
			consumer, err := sarama.NewConsumer([]string{b.Addr}, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer consumer.Close()
			partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
			if err != nil {
				t.Fatal(err)
			}
			defer partition.Close()
			for i := range 50 {
				if m := <-partition.Messages(); string(m.Value) != fmt.Sprint(i) {
					t.Fatalf("record %d is %q", i, m.Value)
				}
			}
		})
	}
}

func TestKafkaGoProducesAndConsumesWithAGroup(t *testing.T) {
	b := Start(t, t.TempDir(), "offsets.topic.num.partitions=2", "group.initial.rebalance.delay.ms=0")
	ctx := Context(t)
	writer := &kafkago.Writer{
		Addr: kafkago.TCP(b.Addr), Topic: "kafka-go", AllowAutoTopicCreation: true,
		RequiredAcks: kafkago.RequireAll, Compression: kafkago.Zstd, BatchSize: 10,
	}
	defer writer.Close()
	var messages []kafkago.Message
	for i := range 50 {
		messages = append(messages, kafkago.Message{Value: fmt.Append(nil, i)})
	}
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second reader goes on where the first committed
		reader := kafkago.NewReader(kafkago.ReaderConfig{
			Brokers: []string{b.Addr}, Topic: "kafka-go", GroupID: "group", StartOffset: kafkago.FirstOffset, MaxWait: 100 * time.Millisecond,
		})
		for range 25 {
			if _, err := reader.ReadMessage(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := kadm.NewClient(b.Client()).FetchOffsets(ctx, "group")
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := committed.Lookup("kafka-go", 0); at.At != 50 {
		t.Errorf("the group committed offset %d, want 50", at.At)
	}
}
