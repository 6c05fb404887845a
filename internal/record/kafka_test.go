package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// The batches in testdata/kafka are Apache Kafka's own (Generate.java beside
// them): what we read of them, and write like them, is compared byte by byte.

func kafkaBatch(t testing.TB, name string) Batch {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "kafka", name+".batch"))
	if err != nil {
		t.Fatal(err)
	}
	batch, rest, err := Split(b)
	if err != nil || len(rest) > 0 {
		t.Fatalf("split %s: %d bytes left, %v", name, len(rest), err)
	}
	return batch
}

// kafkaValues are the sizes of the values in the files.
func kafkaValues() map[string]int {
	return map[string]int{"none": 10, "gzip": 5000, "snappy": 5000, "lz4": 5000, "zstd": 5000, "zstd-22": 5000}
}

// likeKafka builds what Generate.java builds.
func likeKafka(codec Codec, valueBytes int) Batch {
	b := NewBuilder(BuildOptions{
		Codec: codec, BaseOffset: 7, LeaderEpoch: 5, Transactional: true,
		Producer: &Producer{ID: 77, Epoch: 3, BaseSequence: 11},
	})
	value := bytes.Repeat([]byte("chronik "), valueBytes/8+1)[:valueBytes]
	for i := range 20 {
		key, v := fmt.Appendf(nil, "key-%d", i), value
		if i == 3 {
			key = nil
		}
		if i == 4 {
			v = nil
		}
		b.Append(model.Timestamp(1_700_000_000_000+i), key, v, Header{Key: "h", Value: []byte("v")}, Header{Key: "null"})
	}
	return b.Build()
}

func TestReadsWhatKafkaWrites(t *testing.T) {
	for name, valueBytes := range kafkaValues() {
		b := kafkaBatch(t, name)
		if err := b.Validate(Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := readAll(t, likeKafka(CodecNone, valueBytes))
		sameRecords(t, name, readAll(t, b), want)
	}
}

func sameRecords(t testing.TB, what string, got, want []Record) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d records, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		g, w := fmt.Sprintf("%#v", got[i]), fmt.Sprintf("%#v", want[i])
		if g != w {
			t.Errorf("%s: record %d is\n%s, want\n%s", what, i, g, w)
			return
		}
	}
}

func TestWritesTheBytesThatKafkaWrites(t *testing.T) {
	if got, want := likeKafka(CodecNone, 10), kafkaBatch(t, "none"); !bytes.Equal(got, want) {
		t.Errorf("batch is\n%x, Kafka's\n%x", []byte(got), []byte(want))
	}
	for typ, name := range map[ControlType]string{ControlCommit: "commit", ControlAbort: "abort"} {
		want := kafkaBatch(t, name)
		got := ControlBatch(Marker{
			Type: typ, BaseOffset: want.BaseOffset(), LeaderEpoch: 5, Timestamp: 1_700_000_000_000,
			ProducerID: 77, ProducerEpoch: 3, CoordinatorEpoch: 9,
		})
		if !bytes.Equal(got, want) {
			t.Errorf("%s marker is\n%x, Kafka's\n%x", name, []byte(got), []byte(want))
		}
	}
}

func TestHeaderFieldsOfKafkasBatch(t *testing.T) {
	b := kafkaBatch(t, "zstd")
	got := fmt.Sprint(b.BaseOffset(), b.LastOffset(), b.NextOffset(), b.LeaderEpoch(), b.Magic(), b.LastOffsetDelta(), b.BaseTimestamp(),
		b.MaxTimestamp(), b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), b.LastSequence(), b.Count(),
		b.Attributes().Codec(), b.Attributes().Transactional(), b.Attributes().Control(), b.Attributes().LogAppendTime())
	if want := "7 26 27 5 2 19 1700000000000 1700000000019 77 3 11 30 20 zstd true false false"; got != want {
		t.Errorf("header is %s, want %s", got, want)
	}
}

func TestParseControlReadsKafkasMarkers(t *testing.T) {
	for typ, name := range map[ControlType]string{ControlCommit: "commit", ControlAbort: "abort"} {
		b := kafkaBatch(t, name)
		records := readAll(t, b)
		got, epoch, err := ParseControl(records[0])
		if !b.Attributes().Control() || got != typ || epoch != 9 || err != nil {
			t.Errorf("%s: %s of coordinator epoch %d, %v", name, got, epoch, err)
		}
	}
}
