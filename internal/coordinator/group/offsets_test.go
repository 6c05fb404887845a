package group

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// subscription is a consumer's metadata for some topics.
func subscription(topics ...string) string {
	m := kmsg.NewConsumerMemberMetadata()
	m.Version, m.Topics = 1, topics
	return string(m.AppendTo(nil))
}

// consumer makes a stable group of one consumer.
func (d *driver) consumer(topics ...string) (id string, generation int32) {
	d.t.Helper()
	j, id := d.enter(subscription(topics...))
	d.advance(0)
	generation = j.now().Generation
	d.sync(id, "", generation, id, "all").now()
	return id, generation
}

func TestCommitRules(t *testing.T) {
	d := newDriver(t)
	code(t, d.commitWith(commitRequest(8, "m", 1, "t", 1)), kerr.IllegalGeneration)
	code(t, d.commitWith(commitRequest(9, "m", 1, "t", 1)), kerr.GroupIDNotFound)
	code(t, d.commit("", -1, "t", 7), nil) // a group that only keeps offsets
	if d.fetch("t") != 7 {
		t.Error("not kept")
	}
	d.state(Empty)
	id, generation := d.consumer("t")
	code(t, d.commit(id, generation, "t", 8), nil)
	code(t, d.commit("", -1, "t", 9), kerr.UnknownMemberID) // not while there are members
	code(t, d.commit(id, -1, "t", 9), kerr.IllegalGeneration)
	code(t, d.commit(id, generation+1, "t", 9), kerr.IllegalGeneration)
	code(t, d.commit("no", generation, "t", 9), kerr.UnknownMemberID)
	d.join(joinRequest(9, id, "", subscription("t"))).now() // a new generation
	code(t, d.commit(id, generation+1, "t", 9), kerr.RebalanceInProgress)
	d.sync(id, "", generation+1).now()
	d.enter(subscription("t"))
	d.state(PreparingRebalance)
	code(t, d.commit(id, generation+1, "t", 10), nil) // who gives partitions up commits first
	if d.fetch("t") != 10 || d.reload().fetch("t") != 10 {
		t.Error("not kept")
	}
}

func TestCommitMetadataHasALimit(t *testing.T) {
	d := newDriver(t)
	f := func(metadata string, want *kerr.Error) {
		t.Helper()
		r := commitRequest(8, "", -1, "t", 1)
		r.Topics[0].Partitions[0].Metadata = &metadata
		code(t, d.commitWith(r), want)
	}
	f(strings.Repeat("x", 4096), nil)
	f(strings.Repeat("x", 4097), kerr.OffsetMetadataTooLarge)
	f(strings.Repeat("é", 4096), nil) // counted as Kafka does, not in bytes
	f(strings.Repeat("𝄞", 2049), kerr.OffsetMetadataTooLarge)
	d.s.config.OffsetMetadataBytesMax = 1 << 20
	f(strings.Repeat("x", 1<<15), kerr.OffsetMetadataTooLarge) // no record could hold it
}

func TestCommitThatIsNotWritten(t *testing.T) {
	d := newDriver(t)
	f := func(err error, want *kerr.Error) {
		t.Helper()
		d.fail = err
		code(t, d.commit("", -1, "t", 1), want)
		if d.fetch("t") != -1 {
			t.Error("kept what is not in the log")
		}
	}
	f(coordinator.ErrTooLarge, kerr.InvalidCommitOffsetSize)
	f(coordinator.ErrNotLeader, kerr.NotCoordinator)
	f(coordinator.ErrLoading, kerr.CoordinatorLoadInProgress)
	f(errAppend, kerr.CoordinatorNotAvailable)
}

func TestFetchOffsets(t *testing.T) {
	d := newDriver(t)
	fetch := func(topics []kmsg.OffsetFetchRequestGroupTopic) kmsg.OffsetFetchResponseGroup {
		r := kmsg.NewOffsetFetchRequestGroup()
		r.Group, r.Topics = "g", topics
		return send(d, func(error) kmsg.OffsetFetchResponseGroup { panic("cannot fail") },
			func(w *waiter) outcome { return d.s.FetchOffsets(w, r) }).now()
	}
	if got := fetch(nil); len(got.Topics) != 0 || got.ErrorCode != 0 {
		t.Errorf("of no group: %+v", got)
	}
	d.commit("", -1, "t", 5)
	d.commit("", -1, "a", 6)
	if got := fetch(nil); len(got.Topics) != 2 || got.Topics[0].Topic != "a" || got.Topics[1].Partitions[0].Offset != 5 {
		t.Errorf("all: %+v", got)
	}
	got := fetch([]kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{0, 1}}}).Topics[0].Partitions
	if got[0].Offset != 5 || got[0].LeaderEpoch != 3 || *got[0].Metadata != "m" {
		t.Errorf("there: %+v", got[0])
	}
	if got[1].Offset != -1 || got[1].LeaderEpoch != -1 || *got[1].Metadata != "" || got[1].ErrorCode != 0 {
		t.Errorf("not there: %+v", got[1])
	}
	if got := fetch([]kmsg.OffsetFetchRequestGroupTopic{}); len(got.Topics) != 0 {
		t.Errorf("none asked for: %+v", got)
	}
}

func (d *driver) deleteOffsets(group string, topics ...string) *kmsg.OffsetDeleteResponse {
	d.t.Helper()
	r := kmsg.NewPtrOffsetDeleteRequest()
	r.Group = group
	for _, topic := range topics {
		r.Topics = append(r.Topics, kmsg.OffsetDeleteRequestTopic{Topic: topic, Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}}})
	}
	return send(d, func(err error) *kmsg.OffsetDeleteResponse { return offsetDeleteError(r, codeOf(err)) },
		func(w *waiter) outcome { return d.s.DeleteOffsets(w, r) }).now()
}

func TestDeleteOffsets(t *testing.T) {
	d := newDriver(t)
	code(t, d.deleteOffsets("", "t").ErrorCode, kerr.InvalidGroupID)
	code(t, d.deleteOffsets("g", "t").ErrorCode, kerr.GroupIDNotFound)
	id, generation := d.consumer("t")
	d.commit(id, generation, "t", 1)
	d.commit(id, generation, "u", 2)
	resp := d.deleteOffsets("g", "t", "u", "v")
	code(t, resp.Topics[0].Partitions[0].ErrorCode, kerr.GroupSubscribedToTopic)
	code(t, resp.Topics[1].Partitions[0].ErrorCode, nil)
	code(t, resp.Topics[2].Partitions[0].ErrorCode, nil)
	if d.fetch("t") != 1 || d.fetch("u") != -1 || d.reload().fetch("u") != -1 {
		t.Error("not what was asked")
	}
	d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: id})
	code(t, d.deleteOffsets("g", "t").Topics[0].Partitions[0].ErrorCode, nil)

	connect := newDriver(t)
	r := joinRequest(3, "", "", "x")
	r.ProtocolType = "connect"
	connect.join(r)
	code(t, connect.deleteOffsets("g", "t").ErrorCode, kerr.NonEmptyGroup)
}

func (d *driver) deleteGroup(id string) int16 {
	d.t.Helper()
	return send(d, func(err error) kmsg.DeleteGroupsResponseGroup { return deleted(id, codeOf(err)) },
		func(w *waiter) outcome { return d.s.DeleteGroup(w, id) }).now().ErrorCode
}

func TestDeleteGroup(t *testing.T) {
	d := newDriver(t)
	code(t, d.deleteGroup("g"), kerr.GroupIDNotFound)
	id, generation := d.consumer("t")
	d.commit(id, generation, "t", 1)
	code(t, d.deleteGroup("g"), kerr.NonEmptyGroup)
	d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: id})
	d.join(joinRequest(9, "", "", "x")) // an id that waits goes with the group
	code(t, d.deleteGroup("g"), nil)
	if len(d.s.groups) != 0 || len(d.reload().s.groups) != 0 {
		t.Error("not deleted")
	}
	d.advance(time.Hour) // no deadline is left of it
}

func TestDeletedTopicsLoseTheirOffsets(t *testing.T) {
	d := newDriver(t)
	d.commit("", -1, "t", 1)
	d.commit("", -1, "u", 2)
	d.apply(d.s.TopicsDeleted([]string{"t", "never"}))
	if d.fetch("t") != -1 || d.fetch("u") != 2 || d.reload().fetch("t") != -1 {
		t.Error("not what was asked")
	}
}

func TestDescribe(t *testing.T) {
	d := newDriver(t)
	if got := d.describe(5); got.State != "Dead" || got.ErrorCode != 0 {
		t.Errorf("not there, v5: %+v", got)
	}
	if got := d.describe(6); got.State != "Dead" || got.ErrorCode != kerr.GroupIDNotFound.Code || *got.ErrorMessage != "Group g not found." {
		t.Errorf("not there, v6: %+v", got)
	}
	id, _ := d.consumer("t")
	got := d.describe(6)
	if m := got.Members[0]; got.State != "Stable" || got.Protocol != "range" || got.ProtocolType != "consumer" ||
		m.MemberID != id || m.ClientID != "c" || m.ClientHost != "/127.0.0.1" ||
		string(m.ProtocolMetadata) != subscription("t") || string(m.MemberAssignment) != "all" {
		t.Errorf("stable: %+v", got)
	}
	d.enter(subscription("t"))
	got = d.describe(6)
	if got.State != "PreparingRebalance" || got.Protocol != "" || len(got.Members[0].ProtocolMetadata) != 0 || string(got.Members[0].MemberAssignment) != "all" {
		t.Errorf("rebalancing: %+v", got)
	}
}

func TestListFilters(t *testing.T) {
	d := newDriver(t)
	d.consumer("t")
	r := commitRequest(8, "", -1, "t", 1)
	r.Group = "simple"
	d.commitWith(r)
	f := func(states, types []string, want int) {
		t.Helper()
		if got := d.s.List(&kmsg.ListGroupsRequest{StatesFilter: states, TypesFilter: types}); len(got) != want {
			t.Errorf("%v %v: %+v", states, types, got)
		}
	}
	f(nil, nil, 2)
	f([]string{"sTABLE"}, nil, 1)
	f([]string{"Empty", "Stable"}, []string{"Classic"}, 2)
	f([]string{"nonsense"}, nil, 0)
	f(nil, []string{"consumer"}, 0)
}
