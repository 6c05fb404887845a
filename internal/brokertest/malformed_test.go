package brokertest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/record"
)

// Goal: whoever sends rubbish loses the connection or gets an error, and nobody
// else notices. Method: one broker, one raw connection a case; after each the
// broker still serves another client.

// identified is a request that any client may begin with.
func identified() []byte {
	r := kmsg.NewPtrApiVersionsRequest()
	return Frame(r, 1)
}

func claim(size uint32, rest ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, size), rest...)
}

// header is the first bytes of a request, up to its body, for a version whose
// header has no tags.
func header(key, version int16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = append(b, 0, 0, 0, 7)
	return append(b, 0xff, 0xff) // no client id
}

func frameOf(parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func TestMalformedFramesCostTheirConnectionOnly(t *testing.T) {
	b := Start(t, t.TempDir())
	hundredThousandTags := func() []byte {
		tags := binary.AppendUvarint(nil, 100_000)
		for i := range uint64(100_000) {
			tags = append(binary.AppendUvarint(tags, i+100), 0)
		}
		return tags
	}
	cases := map[string][]byte{
		"negative size":                            claim(0xffff_ffff, 1, 2, 3),
		"size zero":                                claim(0),
		"large frame of nobody":                    claim(1<<20, bytes.Repeat([]byte{0xee}, 8<<10)...),
		"frame above socket.request.max.bytes":     append(identified(), claim(200<<20)...),
		"unknown key":                              frameOf(header(999, 0)),
		"negative key":                             frameOf(header(-1, 0)),
		"removed key":                              frameOf(header(4, 0)),
		"version too new":                          frameOf(header(3, 99)),
		"version too old":                          frameOf(header(0, 2)),
		"negative version":                         frameOf(header(3, -1)),
		"header cut off":                           claim(3, 0, 3, 0),
		"body cut off":                             frameOf(header(3, 1), []byte{0, 0, 0}),
		"array longer than the body":               frameOf(header(3, 1), []byte{0, 0, 0, 9, 0, 1, 'a'}),
		"four million topics claimed":              frameOf(header(3, 1), []byte{0, 0x3f, 0xff, 0xff}, make([]byte, 4<<20)),
		"negative array length":                    frameOf(header(19, 2), []byte{0xff, 0xff, 0xff, 0xfe}),
		"null array where it may not be":           frameOf(header(19, 2), []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0}),
		"null name where it may not be":            frameOf(header(19, 2), []byte{0, 0, 0, 1, 0xff, 0xff}),
		"string length below -1":                   frameOf(header(3, 1), []byte{0, 0, 0, 1, 0x80, 0}),
		"hundred thousand tags":                    frameOf(header(3, 9), []byte{0}, []byte{1, 1, 0, 0}, hundredThousandTags()),
		"more tags claimed than there are":         frameOf(header(3, 9), []byte{0}, []byte{1, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}),
		"HTTP":                                     []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"TLS":                                      {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3},
		"a second request that cannot be answered": append(identified(), frameOf(header(3, 1), []byte{0})...),
	}
	for name, bad := range cases {
		t.Run(name, func(t *testing.T) {
			c := b.Raw(t)
			c.Send(bad)
			if bytes.HasPrefix(bad, identified()) {
				if _, err := c.Receive(); err != nil {
					t.Fatalf("the request before it was not answered: %v", err)
				}
			}
			if tcp, ok := c.Conn.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // a short frame waits for the rest of it
			}
			c.Closed()
			b.Raw(t).Ask(kmsg.NewPtrMetadataRequest())
		})
	}
}

// A frame of 4 MiB full of claims must not make the broker allocate what they
// claim: kmsg alone takes about 200 MiB for it.
func TestClaimedArraysAreNotAllocated(t *testing.T) {
	b := Start(t, t.TempDir())
	frame := frameOf(header(3, 1), []byte{0, 0x3f, 0xff, 0xff}, make([]byte, 4<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := b.Raw(t)
	c.Send(frame)
	c.Closed()
	runtime.ReadMemStats(&after)
	// All that was ever allocated: the frame's buffers, which grow by doubling, add
	// up to four times the frame, of which at most two are held; decoding may cost
	// a mebibyte and four times the body, but this body is not decoded.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 5*uint64(len(frame)) {
		t.Errorf("%d bytes made the process allocate %d", len(frame), grown)
	}
}

func TestNewerApiVersionsIsAnsweredInTheFormOfVersion0(t *testing.T) {
	b := Start(t, t.TempDir())
	c := b.Raw(t)
	c.Send(frameOf(header(18, 99), []byte{0})) // flexible header: no tags
	frame, err := c.Receive()
	if err != nil {
		t.Fatal(err)
	}
	resp := kmsg.NewPtrApiVersionsResponse()
	if err := resp.ReadFrom(frame[4:]); err != nil {
		t.Fatal(err)
	}
	if resp.ErrorCode != kerr.UnsupportedVersion.Code || len(resp.ApiKeys) != 1 || resp.ApiKeys[0].ApiKey != 18 {
		t.Errorf("got %+v", resp)
	}
}

func TestEmptyArraysAreAnsweredWithEmptyOnes(t *testing.T) {
	b := Start(t, t.TempDir())
	produce := kmsg.NewPtrProduceRequest()
	produce.Version, produce.Acks = 12, -1
	if r := b.Raw(t).Ask(produce).(*kmsg.ProduceResponse); len(r.Topics) != 0 {
		t.Errorf("produce: %+v", r)
	}
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Version, fetch.MaxWaitMillis, fetch.SessionEpoch = 12, 1000, -1
	if r := b.Raw(t).Ask(fetch).(*kmsg.FetchResponse); len(r.Topics) != 0 || r.ErrorCode != 0 {
		t.Errorf("fetch: %+v", r)
	}
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version, metadata.Topics = 12, []kmsg.MetadataRequestTopic{}
	if r := b.Raw(t).Ask(metadata).(*kmsg.MetadataResponse); len(r.Topics) != 0 || len(r.Brokers) != 1 {
		t.Errorf("metadata: %+v", r)
	}
}

// produceRaw produces bytes as they are, and returns the partition's code.
func produceRaw(t *testing.T, b *Broker, records []byte) int16 {
	t.Helper()
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = 9, -1, 10_000
	topic, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, p.Records = "t", records
	topic.Partitions = append(topic.Partitions, p)
	r.Topics = append(r.Topics, topic)
	resp := b.Raw(t).Ask(r).(*kmsg.ProduceResponse)
	return resp.Topics[0].Partitions[0].ErrorCode
}

func goodBatch(codec record.Codec, value []byte) record.Batch {
	builder := record.NewBuilder(record.BuildOptions{Codec: codec})
	builder.Append(1_700_000_000_000, nil, value)
	return builder.Build()
}

func TestBadRecordsAreRefusedWithKafkasCodes(t *testing.T) {
	b := Start(t, t.TempDir())
	ask := kmsg.NewPtrMetadataRequest()
	ask.Version, ask.AllowAutoTopicCreation = 9, true
	topic, name := kmsg.NewMetadataRequestTopic(), "t"
	topic.Topic = &name
	ask.Topics = append(ask.Topics, topic)
	b.Raw(t).Ask(ask)

	f := func(name string, records []byte, want *kerr.Error) {
		t.Helper()
		got := produceRaw(t, b, records)
		if want == nil && got != 0 || want != nil && got != want.Code {
			t.Errorf("%s: got %v, want %v", name, kerr.ErrorForCode(got), want)
		}
	}
	small := goodBatch(record.CodecNone, []byte("v"))
	damaged := bytes.Clone(small)
	damaged[len(damaged)-2] ^= 1
	f("a damaged checksum", damaged, kerr.CorruptMessage)
	f("no records", nil, kerr.InvalidRecord)
	f("a batch cut off", small[:len(small)-1], kerr.InvalidRecord)
	f("two batches", append(bytes.Clone(small), small...), kerr.InvalidRecord)
	old := bytes.Clone(small)
	old[16] = 1
	f("an old message format", old, kerr.InvalidRecord)
	count := bytes.Clone(small)
	binary.BigEndian.PutUint32(count[57:], 2)
	binary.BigEndian.PutUint32(count[17:], crc32.Checksum(count[21:], crc32.MakeTable(crc32.Castagnoli)))
	f("a count that is not true", count, kerr.InvalidRecord)
	f("a good one", small, nil)
}

// A bomb: half a megabyte or less that unpacks to more than
// max.decompressed.message.bytes.
func TestDecompressionBombsAreRefusedInLittleMemory(t *testing.T) {
	b := Start(t, t.TempDir(), "max.decompressed.message.bytes=1048576")
	ask := kmsg.NewPtrMetadataRequest()
	ask.Version, ask.AllowAutoTopicCreation = 9, true
	topic, name := kmsg.NewMetadataRequestTopic(), "t"
	topic.Topic = &name
	ask.Topics = append(ask.Topics, topic)
	b.Raw(t).Ask(ask)
	zeros := make([]byte, 64<<20)
	for _, codec := range []record.Codec{record.CodecGzip, record.CodecLZ4, record.CodecZstd, record.CodecSnappy} {
		bomb := goodBatch(codec, zeros)
		if len(bomb) > 1<<20 {
			bomb = goodBatch(codec, zeros[:16<<20])
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := produceRaw(t, b, bomb)
		runtime.ReadMemStats(&after)
		if got != kerr.MessageTooLarge.Code {
			t.Errorf("%s: %d bytes: got %v", codec, len(bomb), kerr.ErrorForCode(got))
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Errorf("%s: %d bytes made the process allocate %d", codec, len(bomb), grown)
		}
	}
}

func TestClientThatHangsUpInTheMiddleIsForgotten(t *testing.T) {
	b := Start(t, t.TempDir())
	for _, part := range [][]byte{{0}, {0, 0, 0, 50}, identified()[:12], identified()} {
		c := b.Raw(t)
		c.Send(part)
		c.Close()
	}
	b.Raw(t).Ask(kmsg.NewPtrMetadataRequest())
}
