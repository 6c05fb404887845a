package brokertest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// sender is an idempotent producer that says itself which sequence it sends.
type sender struct {
	t  *testing.T
	id model.ProducerID
}

func newSender(t *testing.T, b *Broker) sender {
	t.Helper()
	resp := b.Raw(t).Ask(kmsg.NewPtrInitProducerIDRequest()).(*kmsg.InitProducerIDResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		t.Fatal(err)
	}
	return sender{t: t, id: model.ProducerID(resp.ProducerID)}
}

// send sends a batch of ten records and expects an offset, or an error.
func (s sender) send(b *Broker, epoch model.ProducerEpoch, sequence model.Sequence, want int64, code *kerr.Error) {
	s.t.Helper()
	builder := record.NewBuilder(record.BuildOptions{
		Producer: &record.Producer{ID: s.id, Epoch: epoch, BaseSequence: sequence},
	})
	now := model.TimestampOf(time.Now()) // a producer whose last record is old is forgotten
	for i := range 10 {
		builder.Append(now, nil, fmt.Append(nil, epoch, sequence, i))
	}
	got := produceTo(s.t, b.Raw(s.t), -1, "t", builder.Build())
	if got.ErrorCode != codeOf(code) || got.BaseOffset != want {
		s.t.Errorf("epoch %d, sequence %d: offset %d, %v; want offset %d, %v",
			epoch, sequence, got.BaseOffset, kerr.ErrorForCode(got.ErrorCode), want, code)
	}
}

func codeOf(err *kerr.Error) int16 {
	if err == nil {
		return 0
	}
	return err.Code
}

// produceTo produces a batch to partition 0 of a topic.
func produceTo(t *testing.T, c *Raw, acks int16, topic string, records []byte) kmsg.ProduceResponseTopicPartition {
	t.Helper()
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = 9, acks, 10_000
	asked, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	asked.Topic, p.Records = topic, records
	asked.Partitions = append(asked.Partitions, p)
	r.Topics = append(r.Topics, asked)
	return c.Ask(r).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
}

func createTopic(t *testing.T, b *Broker, partitions int32, name string, settings ...string) *kadm.Client {
	t.Helper()
	admin := kadm.NewClient(b.Client())
	configs := make(map[string]*string)
	for i := 0; i < len(settings); i += 2 {
		configs[settings[i]] = &settings[i+1]
	}
	if _, err := admin.CreateTopic(Context(t), partitions, 1, configs, name); err != nil {
		t.Fatal(err)
	}
	return admin
}

// The last five batches of a producer are known, and answered with the offset
// that they have; so they are after a restart (KIP-98).
func TestBatchSentAgainAfterARestartHasItsOldOffset(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 1, "t")
	s := newSender(t, b)
	for i := range model.Sequence(7) {
		s.send(b, 0, 10*i, int64(10*i), nil)
	}
	window := func(before *kerr.Error) {
		t.Helper()
		for i := model.Sequence(2); i < 7; i++ {
			s.send(b, 0, 10*i, int64(10*i), nil)
		}
		s.send(b, 0, 10, -1, before)                        // it is there, and nobody knows where
		s.send(b, 0, 80, -1, kerr.OutOfOrderSequenceNumber) // one is missing
	}
	window(kerr.DuplicateSequenceNumber)
	b.Stop()
	b = Start(t, b.Dir)
	window(kerr.OutOfOrderSequenceNumber)               // it is not even known to be there
	s.send(b, 0, 70, 70, nil)                           // nothing of all that was appended
	s.send(b, 1, 30, -1, kerr.OutOfOrderSequenceNumber) // an epoch begins with 0
	s.send(b, 1, 0, 80, nil)
	s.send(b, 0, 80, -1, kerr.InvalidProducerEpoch)
	b.Stop()
	b = Start(t, b.Dir)
	s.send(b, 0, 80, -1, kerr.InvalidProducerEpoch)
	s.send(b, 1, 0, 80, nil)
}

func TestProducerIDsAreNewAfterARestart(t *testing.T) {
	b := Start(t, t.TempDir())
	seen := make(map[model.ProducerID]bool)
	for range 3 {
		for range 3 {
			id := newSender(t, b).id
			if seen[id] {
				t.Fatalf("producer id %d was given out twice", id)
			}
			seen[id] = true
		}
		b.Stop()
		b = Start(t, b.Dir)
	}
}

// A client with batches in flight over several restarts: what it sends again,
// without knowing whether it arrived, is there once, in order.
func TestFranzGoProducesOnOverRestarts(t *testing.T) {
	listener := "listeners=PLAINTEXT://127.0.0.1:" + FreePort(t)
	b := Start(t, t.TempDir(), listener)
	ctx := Context(t)
	createTopic(t, b, 1, "t")
	producer := b.Client(kgo.DefaultProduceTopic("t"), kgo.MaxBufferedRecords(50), kgo.ProducerLinger(0))
	const records = 3000
	var want []string
	failed := make(chan error, records)
	for i := range records {
		want = append(want, fmt.Sprint(i))
		producer.Produce(ctx, kgo.StringRecord(want[i]), func(_ *kgo.Record, err error) {
			if err != nil {
				failed <- err
			}
		})
		if i%1000 == 500 {
			b.Stop()
			b = Start(t, b.Dir, listener)
		}
	}
	if err := producer.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
	checkTopic(t, b, want)
}

func checkTopic(t *testing.T, b *Broker, want []string) {
	t.Helper()
	ctx := Context(t)
	consumer := b.Client(kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if got := consume(ctx, t, consumer, len(want)); !slices.Equal(got, want) {
		t.Errorf("read back %d records that are not the %d produced", len(got), len(want))
	}
	ends, err := kadm.NewClient(consumer).ListEndOffsets(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := ends.Lookup("t", 0); end.Offset != int64(len(want)) {
		t.Errorf("the partition ends at %d, %d records were produced", end.Offset, len(want))
	}
}

func TestSaramaProducesOnOverRestarts(t *testing.T) {
	listener := "listeners=PLAINTEXT://127.0.0.1:" + FreePort(t)
	b := Start(t, t.TempDir(), listener)
	createTopic(t, b, 1, "t")
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Producer.Idempotent, cfg.Net.MaxOpenRequests = true, 1
	cfg.Producer.RequiredAcks, cfg.Producer.Return.Successes = sarama.WaitForAll, true
	cfg.Producer.Retry.Max = 100
	producer, err := sarama.NewSyncProducer([]string{b.Addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprint(i))
		message := &sarama.ProducerMessage{Topic: "t", Value: sarama.StringEncoder(want[i])}
		if _, offset, err := producer.SendMessage(message); err != nil || offset != int64(i) {
			t.Fatalf("record %d: offset %d, %v", i, offset, err)
		}
		if i%20 == 10 {
			b.Stop()
			b = Start(t, b.Dir, listener)
		}
	}
	checkTopic(t, b, want)
}
