package wire

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryRequestThatKmsgEncodesIsAcceptedWhole(t *testing.T) {
	eachVersion(func(key, version int16) {
		for seed := range uint64(100) {
			r := newFiller(seed).request(t, key, version)
			body := r.AppendTo(nil)
			_, end, err := walk(key, version, body)
			if err != nil {
				t.Fatalf("%s: %v\n%+v\n%x", kmsg.NameForKey(key), err, r, body)
			}
			if end != len(body) {
				t.Fatalf("%s v%d: the walk ended at %d of %d\n%+v\n%x", kmsg.NameForKey(key), version, end, len(body), r, body)
			}
			decoded, err := Decode(key, version, body)
			if err != nil {
				t.Fatal(err)
			}
			if again := decoded.AppendTo(nil); !bytes.Equal(again, body) {
				t.Fatalf("%s v%d: decoded and encoded again\n%x, was\n%x", kmsg.NameForKey(key), version, again, body)
			}
		}
	})
}

func TestBodyCutAtAnyByteIsRefused(t *testing.T) {
	eachVersion(func(key, version int16) {
		for seed := range uint64(5) {
			body := newFiller(seed).request(t, key, version).AppendTo(nil)
			for end := range body {
				_, err := CheckBody(key, version, body[:end])
				var malformed *MalformedError
				if !errors.As(err, &malformed) {
					t.Fatalf("%s v%d cut at %d of %d: %v\n%x", kmsg.NameForKey(key), version, end, len(body), err, body)
				}
				if malformed.Offset > end || malformed.Reason == "" {
					t.Fatalf("%s v%d cut at %d: %+v", kmsg.NameForKey(key), version, end, malformed)
				}
			}
		}
	})
}

// Each claims more than there is, or what the version does not have.
func TestMalformedBodiesAreRefusedWithAReason(t *testing.T) {
	for _, c := range []struct {
		name         string
		key, version int16
		body         string
		reason       string
	}{
		{"array longer than the body", 3, 1, "\x7f\xff\xff\xff", reasonShort},
		{"array of negative length", 3, 1, "\xff\xff\xff\xfe", reasonLength},
		{"null array, not nullable", 3, 0, "\xff\xff\xff\xff", reasonNull},
		{"compact array longer than the body", 3, 12, "\xff\xff\xff\xff\x0f\x00\x00\x00", reasonLength},
		{"compact array of 2^31-1", 3, 12, "\xff\xff\xff\xff\x07\x00\x00\x00", reasonShort},
		{"varint of more than 32 bits", 3, 12, "\xff\xff\xff\xff\x1f\x00\x00\x00", "a varint of more than 32 bits"},
		{"varint without an end", 3, 12, "\xff\xff\xff\xff\xff\xff\xff", "a varint of more than 32 bits"},
		{"varint cut", 3, 12, "\xff\xff", reasonShort},
		{"null string, not nullable", 12, 0, "\xff\xff\x00\x00\x00\x01\x00\x00", reasonNull},
		{"null string in an array", 15, 0, "\x00\x00\x00\x01\xff\xff", reasonNull},
		{"string of negative length", 12, 0, "\xff\xfe\x00\x00\x00\x01\x00\x00", reasonLength},
		{"string longer than the body", 12, 0, "\x00\x09A", reasonShort},
		{"null bytes, not nullable", 36, 0, "\xff\xff\xff\xff", reasonNull},
		{"null topic name below 10", 3, 9, "\x02\x00\x00\x00\x00\x00\x00", reasonNull},
		{"struct neither null nor there", 75, 0, "\x01\x00\x00\x00\x05\x00\x02A\x00\x00\x00\x01\x00\x00", "a struct neither null nor there"},
		{"four billion tags", 3, 12, "\x00\x01\x00\xff\xff\xff\xff\x0f", reasonShort},
		{"tag longer than the body", 3, 12, "\x00\x01\x00\x01\x05\x04\x00", reasonShort},
		{"the same tag twice", 3, 12, "\x00\x01\x00\x02\x05\x00\x05\x00", "tags that do not ascend"},
		{"descending tags", 3, 12, "\x00\x01\x00\x02\x05\x00\x04\x00", "tags that do not ascend"},
		{"tag of a later version", 1, 12, fetchHead + "\x01\x01\x01" + "\x01\x01\x0d" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "a tag that the version does not have"},
		{"tagged field shorter than its size", 1, 12, fetchHead + "\x01\x01\x01" + "\x01\x00\x05\x02Axxx", "a tagged field shorter than its size"},
		{"tagged field longer than its size", 1, 12, fetchHead + "\x01\x01\x01" + "\x01\x00\x01\x02A", reasonShort},
		{"no such version", 3, 99, "\x00", reasonUnknown},
		{"no such key", 999, 0, "", reasonUnknown},
		{"negative key", -1, 0, "", reasonUnknown},
		{"a key that Kafka dropped", 4, 0, "", reasonUnknown},
	} {
		_, err := CheckBody(c.key, c.version, []byte(c.body))
		var malformed *MalformedError
		if !errors.As(err, &malformed) || malformed.Reason != c.reason {
			t.Errorf("%s: %v; want %q", c.name, err, c.reason)
		}
		if r, err := Decode(c.key, c.version, []byte(c.body)); err == nil {
			t.Errorf("%s: decoded as %+v", c.name, r)
		}
	}
}

// fetchHead is a Fetch v12 up to its topics.
const fetchHead = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func TestStringsAreAtMost32767Bytes(t *testing.T) {
	for size, ok := range map[int]bool{stringMax: true, stringMax + 1: false} {
		r := kmsg.NewPtrHeartbeatRequest()
		r.Version = 4
		r.Group = string(make([]byte, size))
		if _, err := CheckBody(r.Key(), r.Version, r.AppendTo(nil)); (err == nil) != ok {
			t.Errorf("a group id of %d bytes: %v", size, err)
		}
	}
}

func TestUnknownTagsAreBoundedOverTheWholeRequest(t *testing.T) {
	// Produce, so that records give the body a budget for more tags than the
	// count allows.
	r := kmsg.NewPtrProduceRequest()
	r.Version = 9
	topic := kmsg.NewProduceRequestTopic()
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = make([]byte, 8<<20)
	topic.Partitions = append(topic.Partitions, partition)
	r.Topics = append(r.Topics, topic)
	for tag := range uint32(unknownTagsMax / 2) {
		r.UnknownTags.Set(100+tag, nil)
		r.Topics[0].UnknownTags.Set(100+tag, nil)
	}
	if _, err := CheckBody(0, 9, r.AppendTo(nil)); err != nil {
		t.Fatal(err)
	}
	r.UnknownTags.Set(5, nil)
	_, err := CheckBody(0, 9, r.AppendTo(nil))
	var malformed *MalformedError
	if !errors.As(err, &malformed) || malformed.Reason != reasonTags {
		t.Fatalf("one more: %v", err)
	}
}

// Kafka reads what it knows and ignores the rest (seen with 4.3.1).
func TestBytesAfterTheBodyAreIgnored(t *testing.T) {
	if _, err := CheckBody(12, 0, []byte("\x00\x01A\x00\x00\x00\x01\x00\x01B-and-more")); err != nil {
		t.Fatal(err)
	}
}

func TestDecodedBytesDoNotReferToTheBody(t *testing.T) {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version = 9
	r.Group, r.ProtocolType = "group", "consumer"
	r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte("metadata")}}
	body := r.AppendTo(nil)
	decoded, err := Decode(r.Key(), r.Version, body)
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	got := decoded.(*kmsg.JoinGroupRequest)
	if fmt.Sprint(got.Group, got.ProtocolType, got.Protocols[0].Name, string(got.Protocols[0].Metadata)) != "groupconsumerrangemetadata" {
		t.Fatalf("decoded request changed with its body: %+v", got)
	}
}

func TestProducedRecordsAreNotCopied(t *testing.T) {
	r := kmsg.NewPtrProduceRequest()
	r.Version = 9
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "t", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: []byte("records")}}}}
	body := r.AppendTo(nil)
	decoded, err := Decode(r.Key(), r.Version, body)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(body, []byte("records"))
	if got := decoded.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records; &got[0] != &body[i] {
		t.Fatal("records were copied")
	}
}
