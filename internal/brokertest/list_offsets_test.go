package brokertest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

type listed struct {
	code              int16
	offset, timestamp int64
}

func listOffset(c *Raw, version int16, timestamp int64) listed {
	r := kmsg.NewPtrListOffsetsRequest()
	r.Version, r.ReplicaID = version, -1
	topic, p := kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	topic.Topic, p.Timestamp = "t", timestamp
	topic.Partitions = append(topic.Partitions, p)
	r.Topics = append(r.Topics, topic)
	got := c.Ask(r).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	return listed{code: got.ErrorCode, offset: got.Offset, timestamp: got.Timestamp}
}

// Every timestamp with a meaning of its own, as Kafka 4.3 has them, each from the
// version on that brought it.
func TestListOffsetsAtSpecialTimestamps(t *testing.T) {
	b := Start(t, t.TempDir(), "log.retention.ms=-1")
	admin := createTopic(t, b, 1, "t")
	c := b.Raw(t)
	none := listed{offset: -1, timestamp: -1}
	f := func(version int16, timestamp int64, want listed) {
		t.Helper()
		if got := listOffset(c, version, timestamp); got != want {
			t.Errorf("v%d, timestamp %d: %+v, want %+v", version, timestamp, got, want)
		}
	}
	f(11, -1, listed{offset: 0, timestamp: -1})
	f(11, -3, none)
	f(11, 0, none)

	for _, ts := range []model.Timestamp{100, 200, 400, 300} {
		builder := record.NewBuilder(record.BuildOptions{})
		builder.Append(ts, nil, []byte("v"))
		if got := produceTo(t, c, -1, "t", builder.Build()); got.ErrorCode != 0 {
			t.Fatal(kerr.ErrorForCode(got.ErrorCode))
		}
	}
	to := make(kadm.Offsets)
	to.AddOffset("t", 0, 1, -1)
	if _, err := admin.DeleteRecords(Context(t), to); err != nil {
		t.Fatal(err)
	}
	refused := listed{code: kerr.UnsupportedVersion.Code, offset: -1, timestamp: -1}
	f(1, -1, listed{offset: 4, timestamp: -1})  // the end
	f(1, -2, listed{offset: 1, timestamp: -1})  // the start, after DeleteRecords
	f(6, -3, refused)                           //
	f(7, -3, listed{offset: 2, timestamp: 400}) // the newest
	f(7, -4, refused)                           //
	f(8, -4, listed{offset: 1, timestamp: -1})  // the start of what is on this disk: all
	f(8, -5, refused)                           //
	f(9, -5, none)                              // the end of what is tiered: nothing
	f(10, -6, refused)                          //
	f(11, -6, none)                             // the start of what is yet to be
	f(11, -7, refused)
	f(11, 0, listed{offset: 1, timestamp: 200}) // the first from there on
	f(11, 201, listed{offset: 2, timestamp: 400})
	f(11, 401, none)
}
