package group

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// driver does to a machine what a shard does, with a clock that only tests move.
type driver struct {
	t       testing.TB
	s       *Groups
	now     time.Time
	log     []coordinator.Record
	answers map[*waiter]any
	// fail is what the next append fails with.
	fail error
	ids  int
}

func newDriver(t testing.TB, change ...func(*Config)) *driver {
	t.Helper()
	c := DefaultConfig()
	c.InitialRebalanceDelay = 0
	for _, f := range change {
		f(&c)
	}
	d := &driver{t: t, s: NewGroups(c), now: time.UnixMilli(1_700_000_000_000), answers: make(map[*waiter]any)}
	d.apply(d.s.Loaded(d.now))
	return d
}

func (d *driver) apply(o outcome) {
	d.t.Helper()
	if len(o.Records) > 0 && d.fail != nil {
		err := d.fail
		d.fail = nil
		if o.Failed != nil {
			d.apply(o.Failed(err))
			return
		}
		for _, a := range o.Answers {
			d.answer(a.Waiter, a.Waiter.Fail(err))
		}
		return
	}
	for _, r := range o.Records {
		d.log = append(d.log, r)
		if err := d.s.Replay(r); err != nil {
			d.t.Fatalf("replay: %v", err)
		}
	}
	for _, a := range o.Answers {
		d.answer(a.Waiter, a.Response)
	}
	d.check()
}

func (d *driver) answer(w *waiter, response any) {
	d.t.Helper()
	if _, twice := d.answers[w]; twice {
		d.t.Fatal("a waiter was answered twice")
	}
	d.answers[w] = response
}

// check holds every group to its invariants.
func (d *driver) check() {
	d.t.Helper()
	for id, g := range d.s.groups {
		joined, bytes, static := 0, 0, 0
		for _, m := range g.members {
			if m.joining != nil {
				joined++
			}
			if m.instance != "" {
				static++
			}
			bytes += m.protocolBytes()
			if g.byID[m.id] != m {
				d.t.Fatalf("group %q: member %q is not where its id says", id, m.id)
			}
			if _, ok := d.s.due.byKey[sessionOf(g, m.id)]; !ok && m.joining == nil && m.syncing == nil {
				d.t.Fatalf("group %q: nobody would miss member %q", id, m.id)
			}
		}
		if joined != g.joined || bytes != g.protocolBytes || static != len(g.static) || len(g.members) != len(g.byID) {
			d.t.Fatalf("group %q: sums %d, %d, %d, %d are not %d, %d, %d, %d", id,
				g.joined, g.protocolBytes, len(g.static), len(g.byID), joined, bytes, static, len(g.members))
		}
		if (g.leader == "") != (len(g.members) == 0) || g.leader != "" && g.byID[g.leader] == nil {
			d.t.Fatalf("group %q: leader %q of %d members", id, g.leader, len(g.members))
		}
		if g.state == Empty && len(g.members) > 0 || g.state == Stable && len(g.members) == 0 {
			d.t.Fatalf("group %q: %s with %d members", id, g.state, len(g.members))
		}
	}
}

// advance moves the clock, and lets each deadline pass at its time.
func (d *driver) advance(by time.Duration) {
	d.t.Helper()
	end := d.now.Add(by)
	for range 100_000 {
		at, ok := d.s.Deadline()
		if !ok || at.After(end) {
			d.now = end
			return
		}
		if at.After(d.now) {
			d.now = at
		}
		d.apply(d.s.Tick(d.now))
	}
	d.t.Fatal("deadlines do not end")
}

// reload is the machine that another coordinator would load from the log.
func (d *driver) reload() *driver {
	d.t.Helper()
	next := &driver{t: d.t, s: NewGroups(d.s.config), now: d.now, log: d.log, answers: make(map[*waiter]any)}
	for _, r := range d.log {
		if err := next.s.Replay(r); err != nil {
			d.t.Fatalf("load: %v", err)
		}
	}
	next.apply(next.s.Loaded(d.now))
	return next
}

// pending is a request whose answer a test asks for when it should be there.
type pending[R any] struct {
	d *driver
	w *waiter
}

func send[R any](d *driver, failure func(error) R, event func(*waiter) outcome) pending[R] {
	d.t.Helper()
	w := coordinator.NewWaiter(func(err error) any { return failure(err) })
	d.apply(event(w))
	return pending[R]{d, w}
}

func (p pending[R]) now() R {
	p.d.t.Helper()
	got, ok := p.d.answers[p.w]
	if !ok {
		p.d.t.Fatal("no answer yet")
	}
	return got.(R)
}

func (p pending[R]) parked() {
	p.d.t.Helper()
	if got, ok := p.d.answers[p.w]; ok {
		p.d.t.Fatalf("answered already: %+v", got)
	}
}

type (
	joining = pending[*kmsg.JoinGroupResponse]
	syncing = pending[*kmsg.SyncGroupResponse]
)

// joinRequest asks to join group "g" with one protocol.
func joinRequest(version int16, id, instance, metadata string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID = version, "g", id, instancePointer(instance)
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 10_000, 20_000
	r.ProtocolType, r.Protocols = consumerProtocol, []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte(metadata)}}
	return r
}

func (d *driver) join(r *kmsg.JoinGroupRequest) joining {
	d.t.Helper()
	d.ids++
	j := Join{Client: Client{ID: "c", Host: "/127.0.0.1"}, Request: r, Unique: fmt.Sprint(d.ids)}
	return send(d, func(err error) *kmsg.JoinGroupResponse { return joinError(r, r.MemberID, codeOf(err)) },
		func(w *waiter) outcome { return d.s.Join(d.now, w, j) })
}

// enter joins as a new dynamic member, as clients since KIP-394 do.
func (d *driver) enter(metadata string) (joining, string) {
	d.t.Helper()
	first := d.join(joinRequest(9, "", "", metadata)).now()
	if first.ErrorCode != kerr.MemberIDRequired.Code {
		d.t.Fatalf("join without id: %d", first.ErrorCode)
	}
	return d.join(joinRequest(9, first.MemberID, "", metadata)), first.MemberID
}

func (d *driver) sync(id, instance string, generation int32, assignments ...string) syncing {
	d.t.Helper()
	r := kmsg.NewPtrSyncGroupRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID, r.Generation = 5, "g", id, instancePointer(instance), generation
	name, kind := "range", consumerProtocol
	r.Protocol, r.ProtocolType = &name, &kind
	for i := 0; i < len(assignments); i += 2 {
		r.GroupAssignment = append(r.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{MemberID: assignments[i], MemberAssignment: []byte(assignments[i+1])})
	}
	return d.syncWith(r)
}

func (d *driver) syncWith(r *kmsg.SyncGroupRequest) syncing {
	d.t.Helper()
	return send(d, func(err error) *kmsg.SyncGroupResponse { return syncError(r, codeOf(err)) },
		func(w *waiter) outcome { return d.s.Sync(d.now, w, r) })
}

func (d *driver) beat(id, instance string, generation int32) int16 {
	d.t.Helper()
	r := kmsg.NewPtrHeartbeatRequest()
	r.Version, r.Group, r.MemberID, r.InstanceID, r.Generation = 4, "g", id, instancePointer(instance), generation
	return send(d, func(err error) *kmsg.HeartbeatResponse { return heartbeatResponse(r, codeOf(err)) },
		func(w *waiter) outcome { return d.s.Heartbeat(d.now, w, r) }).now().ErrorCode
}

func (d *driver) leave(version int16, members ...kmsg.LeaveGroupRequestMember) *kmsg.LeaveGroupResponse {
	d.t.Helper()
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Version, r.Group, r.Members = version, "g", members
	if version < 3 {
		r.MemberID = members[0].MemberID
	}
	return send(d, func(err error) *kmsg.LeaveGroupResponse { return leaveError(r, codeOf(err)) },
		func(w *waiter) outcome { return d.s.Leave(d.now, w, r) }).now()
}

func (d *driver) commitWith(r *kmsg.OffsetCommitRequest) int16 {
	d.t.Helper()
	resp := send(d, func(err error) *kmsg.OffsetCommitResponse { return commitFailure(r, err) },
		func(w *waiter) outcome { return d.s.CommitOffsets(d.now, w, r) }).now()
	return resp.Topics[0].Partitions[0].ErrorCode
}

func commitRequest(version int16, id string, generation int32, topic string, at int64) *kmsg.OffsetCommitRequest {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.MemberID, r.Generation = version, "g", id, generation
	metadata := "m"
	r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Offset: at, LeaderEpoch: 3, Metadata: &metadata}}}}
	return r
}

func (d *driver) commit(id string, generation int32, topic string, at int64) int16 {
	d.t.Helper()
	return d.commitWith(commitRequest(8, id, generation, topic, at))
}

// fetch is the committed offset of a topic's partition 0, or -1.
func (d *driver) fetch(topic string) int64 {
	d.t.Helper()
	r := kmsg.NewOffsetFetchRequestGroup()
	r.Group, r.Topics = "g", []kmsg.OffsetFetchRequestGroupTopic{{Topic: topic, Partitions: []int32{0}}}
	resp := send(d, func(error) kmsg.OffsetFetchResponseGroup { panic("cannot fail") },
		func(w *waiter) outcome { return d.s.FetchOffsets(w, r) }).now()
	return resp.Topics[0].Partitions[0].Offset
}

func (d *driver) describe(version int16) kmsg.DescribeGroupsResponseGroup {
	d.t.Helper()
	return send(d, func(error) kmsg.DescribeGroupsResponseGroup { panic("cannot fail") },
		func(w *waiter) outcome { return d.s.Describe(w, "g", version) }).now()
}

func (d *driver) state(want State) {
	d.t.Helper()
	if g := d.s.groups["g"]; g == nil || g.state != want {
		d.t.Fatalf("group is %+v, want %s", g, want)
	}
}

// stable makes a group of n dynamic members, and returns their ids, the leader's
// first.
func (d *driver) stable(n int) (ids []string, generation int32) {
	d.t.Helper()
	var joins []joining
	for range n {
		j, id := d.enter("x")
		joins, ids = append(joins, j), append(ids, id)
	}
	d.advance(0)
	var syncs []syncing
	for i := len(ids) - 1; i >= 0; i-- {
		resp := joins[i].now()
		code(d.t, resp.ErrorCode, nil)
		generation = resp.Generation
		var assignments []string
		if resp.LeaderID == ids[i] {
			for _, id := range ids {
				assignments = append(assignments, id, "for "+id)
			}
		}
		syncs = append(syncs, d.sync(ids[i], "", generation, assignments...))
	}
	for i, s := range syncs {
		resp := s.now()
		code(d.t, resp.ErrorCode, nil)
		if got, want := string(resp.MemberAssignment), "for "+ids[n-1-i]; got != want {
			d.t.Fatalf("assignment is %q, want %q", got, want)
		}
	}
	d.state(Stable)
	return ids, generation
}

func code(t testing.TB, got int16, want *kerr.Error) {
	t.Helper()
	if got != numberOf(want) {
		t.Fatalf("code is %v, want %v", kerr.ErrorForCode(got), want)
	}
}

var errAppend = errors.New("append")
