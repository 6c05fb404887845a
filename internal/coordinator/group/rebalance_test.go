package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

func TestGroupStateDiagram(t *testing.T) {
	allowed := map[[2]State]bool{
		{Empty, PreparingRebalance}: true, {Empty, Dead}: true,
		{PreparingRebalance, CompletingRebalance}: true, {PreparingRebalance, Empty}: true,
		{CompletingRebalance, PreparingRebalance}: true, {CompletingRebalance, Stable}: true,
		{Stable, PreparingRebalance}: true,
	}
	for from := Empty; from <= Dead; from++ {
		for to := Empty; to <= Dead; to++ {
			if got := from.may(to); got != allowed[[2]State{from, to}] {
				t.Errorf("%s to %s: %t", from, to, got)
			}
		}
	}
}

func TestWhoDoesNotRejoinIsOut(t *testing.T) {
	d := newDriver(t)
	ids, generation := d.stable(3)
	a := d.join(joinRequest(9, ids[0], "", "x"))
	b := d.join(joinRequest(9, ids[1], "", "x"))
	for range 3 { // the third only beats
		d.advance(5 * time.Second)
		code(t, d.beat(ids[2], "", generation), kerr.RebalanceInProgress)
	}
	a.parked()
	d.advance(5 * time.Second)
	if resp := a.now(); resp.Generation != generation+1 || len(resp.Members) != 2 {
		t.Errorf("response %+v", resp)
	}
	code(t, b.now().ErrorCode, nil)
	code(t, d.beat(ids[2], "", generation), kerr.UnknownMemberID)
}

func TestLeaderThatDoesNotRejoinIsReplaced(t *testing.T) {
	d := newDriver(t)
	ids, _ := d.stable(2)
	b := d.join(joinRequest(9, ids[1], "", "y"))
	d.advance(time.Minute)
	if resp := b.now(); resp.LeaderID != ids[1] || len(resp.Members) != 1 {
		t.Errorf("response %+v", resp)
	}
}

func TestWhoDoesNotSyncIsOut(t *testing.T) {
	d := newDriver(t)
	a, leader := d.enter("x")
	_, follower := d.enter("x")
	d.advance(0)
	generation := a.now().Generation
	waiting := d.sync(follower, "", generation)
	for range 3 {
		d.advance(6 * time.Second)
		code(t, d.beat(leader, "", generation), nil) // beats, and never assigns
	}
	waiting.parked()
	d.advance(2 * time.Second)
	code(t, waiting.now().ErrorCode, kerr.RebalanceInProgress)
	code(t, d.beat(leader, "", generation), kerr.UnknownMemberID)
	d.state(PreparingRebalance)
}

func TestWhoSyncsLateIsOutOfAStableGroup(t *testing.T) {
	d := newDriver(t)
	a, leader := d.enter("x")
	_, follower := d.enter("x")
	d.advance(0)
	generation := a.now().Generation
	d.sync(leader, "", generation, leader, "all").now()
	d.state(Stable)
	for range 4 {
		d.advance(5 * time.Second)
		d.beat(leader, "", generation)
		d.beat(follower, "", generation)
	}
	d.state(PreparingRebalance)
	code(t, d.beat(follower, "", generation), kerr.UnknownMemberID)
}

func TestSessionEndsWithoutHeartbeats(t *testing.T) {
	d := newDriver(t)
	ids, generation := d.stable(2)
	d.advance(9 * time.Second)
	code(t, d.beat(ids[0], "", generation), nil)
	d.advance(2 * time.Second)
	d.state(PreparingRebalance)
	code(t, d.beat(ids[1], "", generation), kerr.UnknownMemberID)
	code(t, d.beat(ids[0], "", generation), kerr.RebalanceInProgress)
	d.advance(time.Minute)
	d.state(Empty)
}

func TestCommitKeepsTheSession(t *testing.T) {
	d := newDriver(t)
	ids, generation := d.stable(1)
	for range 3 {
		d.advance(9 * time.Second)
		code(t, d.commit(ids[0], generation, "t", 1), nil)
	}
	code(t, d.beat(ids[0], "", generation), nil)
}

func TestNewMemberThatHasGivenUpTimesOut(t *testing.T) {
	d := newDriver(t, func(c *Config) { c.InitialRebalanceDelay = time.Hour })
	r := joinRequest(3, "", "", "x")
	r.RebalanceTimeoutMillis = 10_000_000
	j := d.join(r)
	d.advance(newMemberTimeout)
	code(t, j.now().ErrorCode, kerr.UnknownMemberID)
}

func TestSyncRefusals(t *testing.T) {
	d := newDriver(t)
	ids, generation := d.stable(1)
	request := func(change func(*kmsg.SyncGroupRequest)) int16 {
		r := kmsg.NewPtrSyncGroupRequest()
		r.Version, r.Group, r.MemberID, r.Generation = 4, "g", ids[0], generation
		change(r)
		return d.syncWith(r).now().ErrorCode
	}
	name := "other"
	code(t, request(func(*kmsg.SyncGroupRequest) {}), nil)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.Group = "" }), kerr.InvalidGroupID)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.Group = "no" }), kerr.UnknownMemberID)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.MemberID = "no" }), kerr.UnknownMemberID)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.Generation++ }), kerr.IllegalGeneration)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.Protocol = &name }), kerr.InconsistentGroupProtocol)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.ProtocolType = &name }), kerr.InconsistentGroupProtocol)
	code(t, request(func(r *kmsg.SyncGroupRequest) { r.Version = 5 }), kerr.InconsistentGroupProtocol)
	d.join(joinRequest(9, ids[0], "", "x")).now() // alone, so a new generation at once
	d.enter("x")
	generation++
	code(t, request(func(*kmsg.SyncGroupRequest) {}), kerr.RebalanceInProgress)
}

func TestAssignmentThatIsNotWritten(t *testing.T) {
	f := func(err error, want *kerr.Error) {
		t.Helper()
		d := newDriver(t)
		a, leader := d.enter("x")
		_, follower := d.enter("x")
		d.advance(0)
		waiting := d.sync(follower, "", a.now().Generation)
		d.fail = err
		code(t, d.sync(leader, "", a.now().Generation, leader, "1").now().ErrorCode, want)
		code(t, waiting.now().ErrorCode, want)
		d.state(PreparingRebalance)
		again := d.join(joinRequest(9, leader, "", "x"))
		d.join(joinRequest(9, follower, "", "x")).now()
		code(t, again.now().ErrorCode, nil) // the group recovers
	}
	f(coordinator.ErrUnavailable, kerr.CoordinatorNotAvailable)
	f(coordinator.ErrNotLeader, kerr.NotCoordinator)
	f(coordinator.ErrTooLarge, kerr.MessageTooLarge)
}

func TestHeartbeatRefusals(t *testing.T) {
	d := newDriver(t)
	code(t, d.beat("no", "", 1), kerr.UnknownMemberID) // nor is there a group
	ids, generation := d.stable(1)
	code(t, d.beat(ids[0], "", generation), nil)
	code(t, d.beat("no", "", generation), kerr.UnknownMemberID)
	code(t, d.beat(ids[0], "", generation-1), kerr.IllegalGeneration)
	r := kmsg.NewPtrHeartbeatRequest()
	if got := d.s.heartbeat(d.now, r); got != kerr.InvalidGroupID {
		t.Errorf("without a group: %v", got)
	}
	d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: ids[0]})
	code(t, d.beat(ids[0], "", generation), kerr.UnknownMemberID)
}

func TestLeaving(t *testing.T) {
	d := newDriver(t)
	code(t, d.leave(2, kmsg.LeaveGroupRequestMember{MemberID: "no"}).ErrorCode, kerr.UnknownMemberID)
	resp := d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: "no"})
	code(t, resp.ErrorCode, nil)
	code(t, resp.Members[0].ErrorCode, kerr.UnknownMemberID)

	ids, _ := d.stable(4)
	code(t, d.leave(2, kmsg.LeaveGroupRequestMember{MemberID: ids[0]}).ErrorCode, nil)
	d.state(PreparingRebalance)
	if d.s.groups["g"].leader == ids[0] {
		t.Error("who has left leads")
	}
	j := d.join(joinRequest(9, ids[1], "", "x"))
	pendingID := d.join(joinRequest(9, "", "", "x")).now().MemberID
	resp = d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: ids[2]}, kmsg.LeaveGroupRequestMember{MemberID: ids[3]}, kmsg.LeaveGroupRequestMember{MemberID: "no"})
	code(t, resp.Members[0].ErrorCode, nil)
	code(t, resp.Members[1].ErrorCode, nil)
	code(t, resp.Members[2].ErrorCode, kerr.UnknownMemberID)
	j.parked() // for the pending one
	code(t, d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: pendingID}).Members[0].ErrorCode, nil)
	if got := len(j.now().Members); got != 1 {
		t.Errorf("%d members", got)
	}
	code(t, d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: ids[1]}).Members[0].ErrorCode, nil)
	d.state(Empty)
	none := kmsg.NewPtrLeaveGroupRequest()
	code(t, send(d, func(error) *kmsg.LeaveGroupResponse { return nil }, func(w *waiter) outcome { return d.s.Leave(d.now, w, none) }).now().ErrorCode, kerr.InvalidGroupID)
}

func TestReloadedGroupGoesOn(t *testing.T) {
	d := newDriver(t)
	ids, generation := d.stable(2)
	next := d.reload()
	next.state(Stable)
	code(t, next.beat(ids[0], "", generation), nil)
	if got := next.sync(ids[1], "", generation).now(); string(got.MemberAssignment) != "for "+ids[1] {
		t.Errorf("assignment %q", got.MemberAssignment)
	}
	next.advance(9 * time.Second)
	next.beat(ids[0], "", generation)
	next.advance(time.Second) // the other is missed
	next.state(PreparingRebalance)
}

func TestReloadedGroupAboveTheMaximumRebalances(t *testing.T) {
	d := newDriver(t)
	ids, _ := d.stable(3)
	d.s.config.MembersMax = 2
	next := d.reload()
	next.state(PreparingRebalance)
	next.join(joinRequest(9, ids[0], "", "x")).parked()
	next.join(joinRequest(9, ids[1], "", "x")).parked()
	code(t, next.join(joinRequest(9, ids[2], "", "x")).now().ErrorCode, kerr.GroupMaxSizeReached)
}
