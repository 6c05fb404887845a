package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const week = 7 * 24 * time.Hour

func TestOffsetsOfNobodyExpireAfterTheirCommit(t *testing.T) {
	d := newDriver(t)
	d.commit("", -1, "t", 1)
	d.advance(week - time.Hour)
	d.commit("", -1, "u", 2)
	d.advance(2 * time.Hour)
	if d.fetch("t") != -1 || d.fetch("u") != 2 {
		t.Error("t should have expired, u not")
	}
	d.advance(week)
	if len(d.s.groups) != 0 || len(d.reload().s.groups) != 0 {
		t.Error("a group without offsets stayed")
	}
}

func TestOffsetsOfAnEmptyGroupExpireAfterItBecameEmpty(t *testing.T) {
	d := newDriver(t)
	id, generation := d.consumer("t")
	d.commit(id, generation, "t", 1)
	for range 3 * 7 * 24 * 60 * 60 / 9 / 100 { // keep the session going for a while past the retention
		d.advance(9 * time.Second)
		d.beat(id, "", generation)
	}
	d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: id})
	d.advance(week - time.Hour)
	if d.fetch("t") != 1 {
		t.Fatal("expired too early")
	}
	next := d.reload() // when it became empty is durable
	next.advance(2 * time.Hour)
	if next.fetch("t") != -1 || len(next.s.groups) != 0 {
		t.Error("did not expire")
	}
}

func TestOffsetsOfAGroupInUseStay(t *testing.T) {
	d := newDriver(t, func(c *Config) { c.SessionTimeoutMax = 365 * 24 * time.Hour })
	r := joinRequest(3, "", "", subscription("t"))
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 1<<31-1, 60_000
	j := d.join(r)
	d.advance(0)
	resp := j.now()
	d.sync(resp.MemberID, "", resp.Generation, resp.MemberID, "all").now()
	d.commit(resp.MemberID, resp.Generation, "t", 1)
	d.commit(resp.MemberID, resp.Generation, "left", 2)
	d.advance(week + time.Hour)
	if d.fetch("t") != 1 {
		t.Error("an offset in use expired")
	}
	if d.fetch("left") != -1 {
		t.Error("an offset of a topic that nobody subscribes to stayed")
	}
	d.commit(resp.MemberID, resp.Generation, "left", 3)
	d.join(joinRequest(9, "", "", "x")) // rebalancing: nothing can be told
	d.advance(time.Minute)
}

func TestOffsetsWithTheirOwnRetention(t *testing.T) {
	d := newDriver(t)
	r := commitRequest(4, "", -1, "t", 1)
	r.RetentionTimeMillis = time.Hour.Milliseconds()
	d.commitWith(r)
	forever := commitRequest(2, "", -1, "u", 2)
	forever.RetentionTimeMillis = (10 * week).Milliseconds()
	d.commitWith(forever)
	ignored := commitRequest(5, "", -1, "v", 3)
	ignored.RetentionTimeMillis = 1 // not a field of this version
	d.commitWith(ignored)
	d.advance(2 * time.Hour)
	d = d.reload()
	if d.fetch("t") != -1 || d.fetch("v") != 3 {
		t.Error("t should have expired, v not")
	}
	d.advance(2 * week)
	if d.fetch("u") != 2 {
		t.Error("u expired before its time")
	}
	d.advance(9 * week)
	if d.fetch("u") != -1 {
		t.Error("u did not expire")
	}
}

func TestExpiryWaitsForWhoIsAboutToJoin(t *testing.T) {
	d := newDriver(t, func(c *Config) { c.OffsetsRetentionCheckInterval = time.Second })
	id := d.join(joinRequest(9, "", "", "x")).now().MemberID
	d.advance(5 * time.Second)
	d.join(joinRequest(9, id, "", "x")).parked()
	if d.s.groups["g"] == nil {
		t.Error("the group is gone")
	}
}
