package record

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
)

// A second opinion on the format: franz-go's client, both ways.

func TestFranzReadsWhatWeBuild(t *testing.T) {
	for _, codec := range allCodecs {
		b := likeKafka(codec, 5000)
		parsed, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"},
			&kmsg.FetchResponseTopicPartition{RecordBatches: b, HighWatermark: 100, LastStableOffset: 100}, kgo.DefaultDecompressor(), nil)
		if parsed.Err != nil {
			t.Fatalf("%s: %v", codec, parsed.Err)
		}
		want := readAll(t, b)
		if len(parsed.Records) != len(want) {
			t.Fatalf("%s: %d records, want %d", codec, len(parsed.Records), len(want))
		}
		for i, got := range parsed.Records {
			w := want[i]
			same := got.Offset == int64(w.Offset) && got.Timestamp.UnixMilli() == int64(w.Timestamp) && got.LeaderEpoch == 5 &&
				bytes.Equal(got.Key, w.Key) && bytes.Equal(got.Value, w.Value) && (got.Key == nil) == (w.Key == nil) && (got.Value == nil) == (w.Value == nil) &&
				len(got.Headers) == 2 && got.Headers[0].Key == "h" && got.Headers[1].Value == nil
			if !same {
				t.Errorf("%s: record %d is %+v, want %+v", codec, i, got, w)
			}
		}
	}
}

func TestReadsWhatFranzProduces(t *testing.T) {
	codecs := map[Codec]kgo.CompressionCodec{
		CodecNone: kgo.NoCompression(), CodecGzip: kgo.GzipCompression(), CodecSnappy: kgo.SnappyCompression(),
		CodecLZ4: kgo.Lz4Compression(), CodecZstd: kgo.ZstdCompression(),
	}
	for codec, compression := range codecs {
		t.Run(codec.String(), func(t *testing.T) {
			b := producedBy(t, kgo.ProducerBatchCompression(compression))
			if err := b.Validate(Limits{}); err != nil {
				t.Fatal(err)
			}
			if b.Attributes().Codec() != codec || b.ProducerID() != 1234 || b.ProducerEpoch() != 2 || b.BaseSequence() != 0 {
				t.Errorf("codec %s, producer %d/%d, sequence %d", b.Attributes().Codec(), b.ProducerID(), b.ProducerEpoch(), b.BaseSequence())
			}
			for i, r := range readAll(t, b) {
				if string(r.Key) != fmt.Sprintf("key-%d", i) || len(r.Value) != 2000 || len(r.Headers) != 1 || r.Offset != model.Offset(i) {
					t.Errorf("record %d is %+v", i, r)
				}
			}
		})
	}
}

// producedBy has a client produce ten records to a broker of a few lines, which
// gives back the batch.
func producedBy(t testing.TB, option kgo.Opt) Batch {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	broker := &tinyBroker{port: int32(l.Addr().(*net.TCPAddr).Port), batches: make(chan []byte, 1)}
	served := make(chan error, 1)
	go func() { served <- broker.serve(l) }()
	client, err := kgo.NewClient(kgo.SeedBrokers(l.Addr().String()), kgo.DefaultProduceTopic("t"), option, kgo.ManualFlushing())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		client.Produce(context.Background(), &kgo.Record{
			Key: fmt.Appendf(nil, "key-%d", i), Value: bytes.Repeat([]byte("x"), 2000), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}},
		}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	client.Close()
	l.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	batch, rest, err := Split(<-broker.batches)
	if err != nil || len(rest) > 0 {
		t.Fatalf("%d bytes behind the batch, %v", len(rest), err)
	}
	return batch
}

// tinyBroker knows the four requests that a producer sends.
type tinyBroker struct {
	port    int32
	batches chan []byte
}

func (b *tinyBroker) serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go b.talk(c) // ends with the client
	}
}

func (b *tinyBroker) talk(c net.Conn) {
	defer c.Close()
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c, frame); err != nil {
			return
		}
		key, version := int16(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
		body := frame[8+2+int(max(0, int16(binary.BigEndian.Uint16(frame[8:])))):]
		request := kmsg.RequestForKey(key)
		request.SetVersion(version)
		if request.IsFlexible() {
			body = body[1:] // no tags
		}
		if err := request.ReadFrom(body); err != nil {
			return
		}
		response := b.answer(request)
		response.SetVersion(version)
		out := append([]byte{0, 0, 0, 0}, frame[4:8]...)
		if request.IsFlexible() && key != int16(kmsg.ApiVersions) {
			out = append(out, 0)
		}
		out = response.AppendTo(out)
		binary.BigEndian.PutUint32(out, uint32(len(out)-4))
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func (b *tinyBroker) answer(request kmsg.Request) kmsg.Response {
	response := request.ResponseKind()
	switch r := response.(type) {
	case *kmsg.ApiVersionsResponse:
		for key, version := range map[kmsg.Key]int16{kmsg.Produce: 9, kmsg.Metadata: 9, kmsg.ApiVersions: 3, kmsg.InitProducerID: 3} {
			r.ApiKeys = append(r.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: int16(key), MaxVersion: version})
		}
	case *kmsg.MetadataResponse:
		r.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 1, Host: "127.0.0.1", Port: b.port}}
		topic := "t"
		r.Topics = []kmsg.MetadataResponseTopic{{Topic: &topic, Partitions: []kmsg.MetadataResponseTopicPartition{{Leader: 1, Replicas: []int32{1}, ISR: []int32{1}}}}}
	case *kmsg.InitProducerIDResponse:
		r.ProducerID, r.ProducerEpoch = 1234, 2
	case *kmsg.ProduceResponse:
		b.batches <- request.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records
		r.Topics = []kmsg.ProduceResponseTopic{{Topic: "t", Partitions: []kmsg.ProduceResponseTopicPartition{{}}}}
	}
	return response
}
