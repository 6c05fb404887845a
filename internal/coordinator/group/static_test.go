package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// static makes a stable group of one static member, "i".
func (d *driver) static() (id string, generation int32) {
	d.t.Helper()
	j := d.join(joinRequest(9, "", "i", "x"))
	d.advance(0)
	resp := j.now()
	code(d.t, resp.ErrorCode, nil)
	code(d.t, d.sync(resp.MemberID, "i", resp.Generation, resp.MemberID, "part").now().ErrorCode, nil)
	return resp.MemberID, resp.Generation
}

func TestStaticMemberComesBackWithoutRebalance(t *testing.T) {
	f := func(version int16, skip bool, members int) {
		t.Helper()
		d := newDriver(t)
		old, generation := d.static()
		resp := d.join(joinRequest(version, "", "i", "changed")).now()
		code(t, resp.ErrorCode, nil)
		if resp.MemberID == old || resp.Generation != generation || resp.SkipAssignment != skip || len(resp.Members) != members {
			t.Errorf("v%d: response %+v", version, resp)
		}
		// Before v9 the leader is kept from assigning by its own old name.
		if wantLeader := map[bool]string{true: resp.MemberID, false: old}[skip]; resp.LeaderID != wantLeader {
			t.Errorf("v%d: leader %q, want %q", version, resp.LeaderID, wantLeader)
		}
		d.state(Stable)
		if got := d.sync(resp.MemberID, "i", generation).now(); string(got.MemberAssignment) != "part" {
			t.Errorf("v%d: assignment %q", version, got.MemberAssignment)
		}
		if reloaded := d.reload(); reloaded.s.groups["g"].byID[resp.MemberID] == nil {
			t.Errorf("v%d: the new id is not durable", version)
		}
		code(t, d.beat(old, "i", generation), kerr.FencedInstanceID)
		code(t, d.beat(old, "", generation), kerr.UnknownMemberID)
		code(t, d.beat("x", "other", generation), kerr.UnknownMemberID)
		code(t, d.commitWith(func() *kmsg.OffsetCommitRequest {
			r := commitRequest(8, old, generation, "t", 1)
			r.InstanceID = instancePointer("i")
			return r
		}()), kerr.FencedInstanceID)
		code(t, d.sync(old, "i", generation).now().ErrorCode, kerr.FencedInstanceID)
		code(t, d.join(joinRequest(9, old, "i", "x")).now().ErrorCode, kerr.FencedInstanceID)
	}
	f(9, true, 1)
	f(8, false, 0)
}

func TestStaticMemberComesBackWithAnotherProtocol(t *testing.T) {
	d := newDriver(t)
	r := joinRequest(9, "", "i", "x")
	r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: "sticky"})
	j := d.join(r)
	d.advance(0)
	d.sync(j.now().MemberID, "i", 1).now()
	back := joinRequest(9, "", "i", "x")
	back.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "sticky"}, {Name: "range"}}
	resp := d.join(back).now() // alone: the new generation begins at once
	if resp.Generation != 2 || *resp.Protocol != "sticky" {
		t.Errorf("response %+v", resp)
	}
	d.state(CompletingRebalance)
}

func TestStaticMemberReplacedWhileItWaits(t *testing.T) {
	d := newDriver(t)
	first := d.join(joinRequest(9, "", "i", "x"))
	second := d.join(joinRequest(9, "", "i", "x"))
	code(t, first.now().ErrorCode, kerr.FencedInstanceID)
	d.advance(0)
	resp := second.now()
	code(t, resp.ErrorCode, nil)
	// While it completes, the leader may know the old id: all over again.
	d.enter("x")
	third := d.join(joinRequest(9, "", "i", "x"))
	if got := third.now(); got.Generation != 2 || len(got.Members) != 2 {
		t.Errorf("response %+v", got)
	}
	code(t, d.beat(resp.MemberID, "i", 1), kerr.FencedInstanceID)
}

func TestStaticReplacementThatIsNotWrittenIsTakenBack(t *testing.T) {
	d := newDriver(t)
	id, generation := d.static()
	d.fail = coordinator.ErrUnavailable
	code(t, d.join(joinRequest(9, "", "i", "other metadata")).now().ErrorCode, kerr.CoordinatorNotAvailable)
	d.check()
	code(t, d.beat(id, "i", generation), nil)
	if got := string(d.s.groups["g"].members[0].metadata("range")); got != "x" {
		t.Errorf("metadata %q stayed", got)
	}
}

func TestStaticMemberOutlivesRebalances(t *testing.T) {
	d := newDriver(t)
	id, _ := d.static()
	j, _ := d.enter("x")
	j.parked()
	d.advance(9 * time.Second) // within the static member's session
	d.beat(id, "i", 1)
	d.advance(9 * time.Second)
	d.beat(id, "i", 1)
	d.advance(3 * time.Second) // the rebalance has timed out
	if resp := j.now(); len(resp.Members) != 2 {
		t.Errorf("%d members; a static one is not expelled for not rejoining", len(resp.Members))
	}
}

func TestOnlyStaticMembersAndNoneIsThere(t *testing.T) {
	d := newDriver(t)
	r := joinRequest(9, "", "i", "x")
	r.SessionTimeoutMillis = 60_000
	first := d.join(r)
	d.advance(0)
	d.sync(first.now().MemberID, "i", 1).now()
	j, dynamic := d.enter("x")
	j.parked()
	d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: dynamic})
	code(t, j.now().ErrorCode, kerr.UnknownMemberID)
	d.advance(30 * time.Second) // past the rebalance timeout: nobody to give a generation to
	d.state(PreparingRebalance)
	d.advance(40 * time.Second)
	d.state(Empty)
}

func TestStaticMemberIsRemovedByInstance(t *testing.T) {
	d := newDriver(t)
	d.static()
	i, other := "i", "nobody"
	resp := d.leave(5, kmsg.LeaveGroupRequestMember{InstanceID: &i}, kmsg.LeaveGroupRequestMember{InstanceID: &other})
	code(t, resp.Members[0].ErrorCode, nil)
	code(t, resp.Members[1].ErrorCode, kerr.UnknownMemberID)
	d.state(Empty)
	if got := d.reload().describe(6); len(got.Members) != 0 || got.State != "Empty" {
		t.Errorf("reloaded as %+v", got)
	}
}

func TestLeaveWithAnothersInstanceIsFenced(t *testing.T) {
	d := newDriver(t)
	old, _ := d.static()
	d.join(joinRequest(9, "", "i", "x")).now()
	i := "i"
	code(t, d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: old, InstanceID: &i}).Members[0].ErrorCode, kerr.FencedInstanceID)
}
