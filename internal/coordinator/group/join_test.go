package group

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

func TestJoinRefusals(t *testing.T) {
	f := func(want *kerr.Error, change func(*kmsg.JoinGroupRequest)) {
		t.Helper()
		d := newDriver(t)
		r := joinRequest(9, "", "", "x")
		change(r)
		resp := d.join(r).now()
		code(t, resp.ErrorCode, want)
		if resp.Generation != -1 || resp.Protocol != nil {
			t.Errorf("generation %d, protocol %v", resp.Generation, resp.Protocol)
		}
		if want != kerr.MemberIDRequired && len(d.s.groups) != 0 {
			t.Error("a refused join made a group")
		}
	}
	f(kerr.InvalidGroupID, func(r *kmsg.JoinGroupRequest) { r.Group = "" })
	f(kerr.InvalidGroupID, func(r *kmsg.JoinGroupRequest) { r.Group = strings.Repeat("g", 1<<15) })
	f(kerr.InvalidSessionTimeout, func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 5999 })
	f(kerr.InvalidSessionTimeout, func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 1_800_001 })
	f(kerr.InvalidSessionTimeout, func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = -1 })
	f(kerr.UnknownMemberID, func(r *kmsg.JoinGroupRequest) { r.MemberID = "ghost" })
	f(kerr.InconsistentGroupProtocol, func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "" })
	f(kerr.InconsistentGroupProtocol, func(r *kmsg.JoinGroupRequest) { r.Protocols = nil })
	f(kerr.InvalidRequest, func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = strings.Repeat("p", 1<<15) })
	f(kerr.MemberIDRequired, func(*kmsg.JoinGroupRequest) {})
}

func TestJoinBeforeMemberIDsWereRequired(t *testing.T) {
	d := newDriver(t)
	r := joinRequest(0, "", "", "x")
	j := d.join(r)
	j.parked()
	d.advance(0)
	resp := j.now()
	code(t, resp.ErrorCode, nil)
	if resp.LeaderID != resp.MemberID || len(resp.Members) != 1 || *resp.Protocol != "range" || resp.Generation != 1 {
		t.Errorf("response %+v", resp)
	}
	if got := d.s.groups["g"].members[0].rebalanceTimeout; got != 10*time.Second {
		t.Errorf("rebalance timeout of v0 is %s, not the session's", got)
	}
	bad := d.join(func() *kmsg.JoinGroupRequest { r := joinRequest(6, "ghost", "", "x"); return r }()).now()
	if bad.Protocol == nil || *bad.Protocol != "" {
		t.Errorf("protocol before v7 is %v, not empty", bad.Protocol)
	}
}

func TestPendingMemberIDExpires(t *testing.T) {
	d := newDriver(t)
	id := d.join(joinRequest(9, "", "", "x")).now().MemberID
	if !strings.HasPrefix(id, "c-") {
		t.Errorf("id %q does not begin with the client's", id)
	}
	d.advance(10 * time.Second)
	code(t, d.join(joinRequest(9, id, "", "x")).now().ErrorCode, kerr.UnknownMemberID)
}

func TestPendingMemberHoldsUpTheRebalance(t *testing.T) {
	d := newDriver(t)
	ids, generation := d.stable(1)
	d.join(joinRequest(9, "", "", "x")).now() // has an id, and never comes back
	rejoin := d.join(joinRequest(9, ids[0], "", "y"))
	rejoin.parked()
	d.advance(10 * time.Second)
	if got := rejoin.now(); got.Generation != generation+1 {
		t.Errorf("generation %d after %d", got.Generation, generation)
	}
}

func TestPendingMemberIsNotStatic(t *testing.T) {
	d := newDriver(t)
	id := d.join(joinRequest(9, "", "", "x")).now().MemberID
	code(t, d.join(joinRequest(9, id, "i", "x")).now().ErrorCode, kerr.InvalidRequest)
}

func TestFirstRebalanceWaitsForMore(t *testing.T) {
	d := newDriver(t, func(c *Config) { c.InitialRebalanceDelay = 3 * time.Second })
	a, _ := d.enter("x")
	d.advance(2 * time.Second)
	b, _ := d.enter("x")
	d.advance(time.Second) // three seconds: b came meanwhile, so three more
	a.parked()
	d.advance(3 * time.Second)
	if a.now().Generation != 1 || b.now().Generation != 1 {
		t.Error("not in one generation")
	}
}

func TestFirstRebalanceEndsByTheRebalanceTimeout(t *testing.T) {
	d := newDriver(t, func(c *Config) { c.InitialRebalanceDelay = 3 * time.Second })
	first, _ := d.enter("x")
	for range 9 { // one comes every 2.5 seconds, past 20 seconds
		d.advance(2500 * time.Millisecond)
		if _, done := d.answers[first.w]; done {
			break
		}
		d.enter("x")
	}
	if first.now().Generation != 1 {
		t.Error("put off for ever")
	}
}

func TestProtocolIsChosenByVotes(t *testing.T) {
	d := newDriver(t)
	protocols := func(names ...string) (list []kmsg.JoinGroupRequestProtocol) {
		for _, n := range names {
			list = append(list, kmsg.JoinGroupRequestProtocol{Name: n})
		}
		return list
	}
	var joins []joining
	for _, names := range [][]string{{"a", "b", "c"}, {"b", "c"}, {"d", "c", "b"}} {
		r := joinRequest(3, "", "", "")
		r.Protocols = protocols(names...)
		joins = append(joins, d.join(r))
	}
	r := joinRequest(3, "", "", "")
	r.Protocols = protocols("a") // two do not know it
	code(t, d.join(r).now().ErrorCode, kerr.InconsistentGroupProtocol)
	d.advance(0)
	if got := *joins[0].now().Protocol; got != "b" {
		t.Errorf("chose %q; a and d are not known to all, and b has two votes", got)
	}
	other := joinRequest(3, "", "", "")
	other.ProtocolType = "connect"
	code(t, d.join(other).now().ErrorCode, kerr.InconsistentGroupProtocol)
}

func TestRejoinInEachState(t *testing.T) {
	t.Run("PreparingRebalance: the first request is overtaken", func(t *testing.T) {
		d := newDriver(t)
		ids, _ := d.stable(2)
		first := d.join(joinRequest(9, ids[0], "", "x"))
		first.parked()
		second := d.join(joinRequest(9, ids[0], "", "x"))
		code(t, first.now().ErrorCode, kerr.RebalanceInProgress)
		second.parked()
	})
	t.Run("CompletingRebalance, same metadata: the response again", func(t *testing.T) {
		d := newDriver(t)
		j, id := d.enter("x")
		d.advance(0)
		again := d.join(joinRequest(9, id, "", "x")).now()
		if again.Generation != j.now().Generation || len(again.Members) != 1 {
			t.Errorf("response %+v", again)
		}
		d.state(CompletingRebalance)
	})
	t.Run("CompletingRebalance, other metadata: a rebalance", func(t *testing.T) {
		d := newDriver(t)
		a, id := d.enter("x")
		_, other := d.enter("x")
		d.advance(0)
		waiting := d.sync(other, "", a.now().Generation)
		d.join(joinRequest(9, id, "", "y")).parked()
		code(t, waiting.now().ErrorCode, kerr.RebalanceInProgress)
		d.state(PreparingRebalance)
	})
	t.Run("Stable, follower, same metadata: the generation", func(t *testing.T) {
		d := newDriver(t)
		ids, generation := d.stable(2)
		resp := d.join(joinRequest(9, ids[1], "", "x")).now()
		if resp.Generation != generation || len(resp.Members) != 0 || resp.LeaderID != ids[0] {
			t.Errorf("response %+v", resp)
		}
		d.state(Stable)
	})
	t.Run("Stable, follower, other metadata: a rebalance", func(t *testing.T) {
		d := newDriver(t)
		ids, _ := d.stable(2)
		d.join(joinRequest(9, ids[1], "", "y")).parked()
		d.state(PreparingRebalance)
	})
	t.Run("Stable, leader: a rebalance", func(t *testing.T) {
		d := newDriver(t)
		ids, _ := d.stable(2)
		d.join(joinRequest(9, ids[0], "", "x")).parked()
		d.state(PreparingRebalance)
	})
	t.Run("unknown", func(t *testing.T) {
		d := newDriver(t)
		d.stable(1)
		code(t, d.join(joinRequest(9, "ghost", "", "x")).now().ErrorCode, kerr.UnknownMemberID)
	})
}

func TestGroupHasAMaximumSize(t *testing.T) {
	d := newDriver(t, func(c *Config) { c.MembersMax = 2 })
	ids, _ := d.stable(2)
	code(t, d.join(joinRequest(9, "", "", "x")).now().ErrorCode, kerr.GroupMaxSizeReached)
	d.join(joinRequest(9, ids[0], "", "x")).parked() // members may always come back
	d.join(joinRequest(9, ids[1], "", "x")).now()
}

func TestPendingMembersHaveALimit(t *testing.T) {
	d := newDriver(t)
	for range pendingMembersMax {
		d.join(joinRequest(9, "", "", "x")).now()
	}
	code(t, d.join(joinRequest(9, "", "", "x")).now().ErrorCode, kerr.GroupMaxSizeReached)
}

func TestProtocolBytesHaveALimit(t *testing.T) {
	d := newDriver(t)
	half := strings.Repeat("x", protocolBytesMax/2)
	r := joinRequest(3, "", "", half)
	d.join(r).parked()
	code(t, d.join(joinRequest(3, "", "", half)).now().ErrorCode, kerr.GroupMaxSizeReached)
}

func TestNewGroupIsDurableBeforeItsMemberHears(t *testing.T) {
	d := newDriver(t)
	d.join(joinRequest(9, "", "", "x"))
	if len(d.log) != 1 {
		t.Fatalf("%d records", len(d.log))
	}
	if got := d.reload().describe(6); got.State != "Empty" || got.ErrorCode != 0 {
		t.Errorf("reloaded as %+v", got)
	}
	failed := newDriver(t)
	failed.fail = coordinator.ErrNotLeader
	code(t, failed.join(joinRequest(9, "", "", "x")).now().ErrorCode, kerr.NotCoordinator)
	failed.fail = errAppend
	code(t, failed.join(joinRequest(3, "", "", "x")).now().ErrorCode, kerr.CoordinatorNotAvailable)
	if len(failed.s.groups) != 0 || len(failed.s.due.heap) != 1 {
		t.Errorf("%d groups and %d deadlines are left", len(failed.s.groups), len(failed.s.due.heap))
	}
}
