package brokertest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// staticMember is a client with an instance id, and what it was told.
type staticMember struct {
	*kgo.Client
	assigned, revoked chan map[string][]int32
}

func joinStatic(t *testing.T, b *Broker, instance string) *staticMember {
	t.Helper()
	m := &staticMember{assigned: make(chan map[string][]int32, 10), revoked: make(chan map[string][]int32, 10)}
	m.Client = b.Client(kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.InstanceID(instance),
		kgo.Balancers(kgo.RangeBalancer()), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.assigned <- p }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.revoked <- p }))
	return m
}

// awaitAssigned waits until the member has so many partitions.
func (m *staticMember) awaitAssigned(t *testing.T, want int) []int32 {
	t.Helper()
	ctx := Context(t)
	for {
		select {
		case got := <-m.assigned:
			if len(got["t"]) == want {
				return got["t"]
			}
		case <-ctx.Done():
			t.Fatalf("%d partitions were not assigned", want)
		}
	}
}

// A static member that goes and comes back under its instance id has its
// partitions again, and the others notice nothing (KIP-345); also over a restart
// of the broker. Its earlier self is fenced.
func TestStaticMemberComesBackWithoutARebalance(t *testing.T) {
	listener := "listeners=PLAINTEXT://127.0.0.1:" + FreePort(t)
	settings := []string{listener, "offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0"}
	b := Start(t, t.TempDir(), settings...)
	createTopic(t, b, 2, "t")
	first := joinStatic(t, b, "one")
	first.awaitAssigned(t, 2)
	second := joinStatic(t, b, "two")
	second.awaitAssigned(t, 1)
	had := first.awaitAssigned(t, 1)[0]
	earlier, generation := first.GroupMetadata()
	first.Close() // without leaving: it has an instance id

	for _, restart := range []bool{false, true} {
		if restart {
			b.Stop()
			b = Start(t, b.Dir, settings...)
		}
		again := joinStatic(t, b, "one")
		if got := again.awaitAssigned(t, 1)[0]; got != had {
			t.Errorf("restart %v: partition %d, it had %d", restart, got, had)
		}
		member, now := again.GroupMetadata()
		if now != generation || member == earlier {
			t.Errorf("restart %v: generation %d as %s; it was %d as %s", restart, now, member, generation, earlier)
		}
		again.Close()
		stale := kmsg.NewPtrHeartbeatRequest()
		stale.Version, stale.Group, stale.Generation = 4, "g", generation
		stale.MemberID, stale.InstanceID = earlier, kmsg.StringPtr("one")
		if code := b.Raw(t).Ask(stale).(*kmsg.HeartbeatResponse).ErrorCode; code != kerr.FencedInstanceID.Code {
			t.Errorf("restart %v: its earlier self is answered %v", restart, kerr.ErrorForCode(code))
		}
		earlier = member
	}
	if _, now := second.GroupMetadata(); now != generation {
		t.Errorf("the other member is in generation %d, and was in %d", now, generation)
	}
	for len(second.revoked) > 0 {
		if lost := <-second.revoked; len(lost["t"]) > 0 {
			t.Errorf("the other member lost %v", lost)
		}
	}
}

// An offset that was committed with a retention of its own goes when that is
// over, and one without stays; both in the log of __consumer_offsets.
func TestOffsetsExpire(t *testing.T) {
	settings := []string{"offsets.topic.num.partitions=1", "offsets.retention.check.interval.ms=1"}
	b := Start(t, t.TempDir(), settings...)
	ctx := Context(t)
	admin := createTopic(t, b, 2, "t")
	if _, err := admin.FetchOffsets(ctx, "g"); err != nil { // its coordinator is there
		t.Fatal(err)
	}
	commit := func(partition int32, retentionMillis int64) {
		t.Helper()
		r := kmsg.NewPtrOffsetCommitRequest()
		r.Version, r.Group, r.Generation, r.RetentionTimeMillis = 2, "g", -1, retentionMillis
		topic, p := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
		topic.Topic, p.Partition, p.Offset = "t", partition, 7
		topic.Partitions = append(topic.Partitions, p)
		r.Topics = append(r.Topics, topic)
		resp := b.Raw(t).Ask(r).(*kmsg.OffsetCommitResponse)
		if err := kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode); err != nil {
			t.Fatal(err)
		}
	}
	commit(1, -1)
	commit(0, 1)
	for {
		offsets, err := admin.FetchOffsets(ctx, "g")
		if err != nil {
			t.Fatalf("the offset did not expire: %v", err)
		}
		if _, ok := offsets.Lookup("t", 0); !ok {
			break
		}
	}
	b.Stop()
	b = Start(t, b.Dir, settings...)
	offsets, err := kadm.NewClient(b.Client()).FetchOffsets(ctx, "g")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := offsets.Lookup("t", 0); ok {
		t.Error("the offset that expired is back after a restart")
	}
	if at, ok := offsets.Lookup("t", 1); !ok || at.At != 7 {
		t.Error("the offset without a retention is gone")
	}
}
