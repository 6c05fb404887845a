package group

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// memoryLog is a partition's log in memory. It outlives its leaders.
type memoryLog struct {
	mu      sync.Mutex
	batches []record.Batch
	end     model.Offset
}

func (l *memoryLog) Append(batch record.Batch, _ model.Timestamp) (model.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch.SetBaseOffset(l.end)
	l.batches = append(l.batches, batch)
	l.end = batch.NextOffset()
	return l.end, nil
}

func (l *memoryLog) WaitCommitted(context.Context, model.Offset) error { return nil }

func (l *memoryLog) Read(from model.Offset) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		if b.NextOffset() > from {
			return b, nil
		}
	}
	return nil, nil
}

func (l *memoryLog) Bounds() (start, end model.Offset) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 0, l.end
}

// cluster is a coordinator over memory logs.
type cluster struct {
	*Coordinator
	logs map[model.Partition]*memoryLog
	stop func()
	// gate, where not nil, is what a load waits for.
	gate chan struct{}
}

func newCluster(t testing.TB, partitions int) *cluster {
	t.Helper()
	config := DefaultConfig()
	config.OffsetsPartitions = model.Partition(partitions)
	c := &cluster{logs: make(map[model.Partition]*memoryLog)}
	for p := range model.Partition(partitions) {
		c.logs[p] = &memoryLog{}
	}
	c.Coordinator = newCoordinator(Options{
		Config: config, Logger: slog.New(slog.DiscardHandler), Image: func() *meta.Image { return &meta.Image{} },
	}, func(p model.Partition, _ model.LeaderEpoch) (coordinator.Log, error) {
		if c.gate != nil {
			<-c.gate
		}
		return c.logs[p], nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	c.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	return c
}

func (c *cluster) elect(epoch model.LeaderEpoch) {
	for p := range c.logs {
		c.Elected(p, epoch)
	}
}

// consumer is a member as a client is one: it joins, assigns where it leads,
// beats, and begins again where it is told to.
type consumer struct {
	c        *cluster
	group    string
	id       string
	assigned chan string // each assignment it gets
}

func (m *consumer) run(ctx context.Context) {
	for ctx.Err() == nil {
		generation, ok := m.join(ctx)
		if !ok {
			continue
		}
		for m.beat(ctx, generation) {
		}
	}
}

func (m *consumer) join(ctx context.Context) (generation int32, ok bool) {
	r := joinRequest(9, m.id, "", subscription("t"))
	r.Group, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = m.group, 45_000, 300_000
	joined := m.c.JoinGroup(ctx, Client{ID: "c", Host: "/h"}, r)
	switch kerr.ErrorForCode(joined.ErrorCode) {
	case kerr.MemberIDRequired:
		m.id = joined.MemberID
		return 0, false
	case kerr.UnknownMemberID:
		m.id = ""
		return 0, false
	case nil:
	default:
		m.pause(ctx)
		return 0, false
	}
	s := kmsg.NewPtrSyncGroupRequest()
	s.Version, s.Group, s.MemberID, s.Generation = 5, m.group, m.id, joined.Generation
	s.ProtocolType, s.Protocol = joined.ProtocolType, joined.Protocol
	for i, other := range joined.Members {
		s.GroupAssignment = append(s.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{
			MemberID: other.MemberID, MemberAssignment: fmt.Appendf(nil, "%d of %d in %d", i, len(joined.Members), joined.Generation),
		})
	}
	synced := m.c.SyncGroup(ctx, Client{}, s)
	if synced.ErrorCode != 0 {
		return 0, false
	}
	select {
	case m.assigned <- string(synced.MemberAssignment):
	case <-ctx.Done():
	}
	return joined.Generation, true
}

// beat waits, beats, and reports whether the generation goes on.
func (m *consumer) beat(ctx context.Context, generation int32) bool {
	m.pause(ctx)
	if ctx.Err() != nil {
		return false
	}
	r := kmsg.NewPtrHeartbeatRequest()
	r.Version, r.Group, r.MemberID, r.Generation = 4, m.group, m.id, generation
	switch kerr.ErrorForCode(m.c.Heartbeat(ctx, Client{}, r).ErrorCode) {
	case nil, kerr.NotCoordinator, kerr.CoordinatorNotAvailable:
		return true
	case kerr.UnknownMemberID:
		m.id = ""
	}
	return false
}

func (m *consumer) pause(ctx context.Context) {
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Goal: many members that start at once get one generation; when half of them
// vanish, and when the coordinator fails over, the rest agree again.
// Method: clients in a bubble of virtual time; each reports its assignments.
func TestManyMembersAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const members = 200
		c := newCluster(t, 1)
		defer c.stop()
		c.elect(1)
		ctx, cancel := context.WithCancel(t.Context())
		half, vanish := context.WithCancel(ctx)
		assigned := make(chan string, members*10)
		var running sync.WaitGroup
		for i := range members {
			m := &consumer{c: c, group: "g", assigned: assigned}
			mine := ctx
			if i%2 == 0 {
				mine = half
			}
			running.Go(func() { m.run(mine) })
		}
		agree := func(count int) {
			t.Helper()
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			got := make(map[string]bool)
			last := ""
			for len(assigned) > 0 {
				last = <-assigned
				got[last] = true
			}
			var i, n, generation int
			if _, err := fmt.Sscanf(last, "%d of %d in %d", &i, &n, &generation); err != nil || n != count {
				t.Fatalf("last assignment is %q, want one of %d", last, count)
			}
			for i := range count {
				if want := fmt.Sprintf("%d of %d in %d", i, count, generation); !got[want] {
					t.Fatalf("nobody has %q", want)
				}
			}
		}
		agree(members)
		vanish()
		agree(members / 2)

		c.Resigned(0)
		time.Sleep(10 * time.Second)
		c.elect(2)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(assigned) != 0 {
			t.Errorf("a failover that everybody survived made %d new assignments", len(assigned))
		}
		cancel()
		running.Wait()
	})
}

func commitOf(group string, version int16) *kmsg.OffsetCommitRequest {
	r := commitRequest(version, "", -1, "t", 7)
	r.Group = group
	return r
}

func TestRequestsGoToTheGroupsShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 50)
		defer c.stop()
		ctx := t.Context()
		code(t, c.OffsetCommit(ctx, commitOf("g0", 8)).Topics[0].Partitions[0].ErrorCode, kerr.NotCoordinator)
		c.Elected(41, 1)
		synctest.Wait()
		code(t, c.OffsetCommit(ctx, commitOf("g0", 8)).Topics[0].Partitions[0].ErrorCode, nil)
		code(t, c.OffsetCommit(ctx, commitOf("g1", 8)).Topics[0].Partitions[0].ErrorCode, kerr.NotCoordinator)
		if c.logs[41].end != 1 {
			t.Errorf("log of partition 41 ends at %d", c.logs[41].end)
		}
	})
}

func TestOffsetFetchVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 50)
		defer c.stop()
		c.Elected(41, 1)
		synctest.Wait()
		ctx := t.Context()
		c.OffsetCommit(ctx, commitOf("g0", 8))
		single := func(version int16, group string) *kmsg.OffsetFetchResponse {
			r := kmsg.NewPtrOffsetFetchRequest()
			r.Version, r.Group = version, group
			r.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{0}}}
			return c.OffsetFetch(ctx, r)
		}
		for version := int16(1); version < 8; version++ {
			got := single(version, "g0")
			if p := got.Topics[0].Partitions[0]; got.Version != version || p.Offset != 7 || got.ErrorCode != 0 {
				t.Errorf("v%d: %+v", version, got)
			}
			failed := single(version, "g1")
			if p := failed.Topics[0].Partitions[0]; p.Offset != -1 || (version < 2) != (p.ErrorCode != 0) || (version >= 2) != (failed.ErrorCode != 0) {
				t.Errorf("v%d of another's: %+v", version, failed)
			}
		}
		r := kmsg.NewPtrOffsetFetchRequest()
		r.Version = 9
		r.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g0"}, {Group: "g1"}}
		got := c.OffsetFetch(ctx, r)
		if got.Groups[0].Topics[0].Partitions[0].Offset != 7 {
			t.Errorf("all of g0: %+v", got.Groups[0])
		}
		code(t, got.Groups[1].ErrorCode, kerr.NotCoordinator)
	})
}

func TestWhileLoading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.stop()
		c.gate = make(chan struct{})
		ctx := t.Context()
		group := "g0" // in partition 1 of 2
		if c.PartitionFor(group) != 1 {
			t.Fatalf("g0 is in %d", c.PartitionFor(group))
		}
		c.elect(1)
		synctest.Wait()
		hb := kmsg.NewPtrHeartbeatRequest()
		hb.Group = group
		code(t, c.Heartbeat(ctx, Client{}, hb).ErrorCode, nil)
		code(t, c.ListGroups(ctx, kmsg.NewPtrListGroupsRequest()).ErrorCode, kerr.CoordinatorLoadInProgress)
		j := joinRequest(9, "", "", "x")
		j.Group = group
		resp := c.JoinGroup(ctx, Client{}, j)
		code(t, resp.ErrorCode, kerr.CoordinatorLoadInProgress)
		if resp.Version != 9 {
			t.Errorf("version %d", resp.Version)
		}
		describe := kmsg.NewPtrDescribeGroupsRequest()
		describe.Groups = []string{group}
		code(t, c.DescribeGroups(ctx, describe).Groups[0].ErrorCode, kerr.CoordinatorLoadInProgress)
		del := kmsg.NewPtrDeleteGroupsRequest()
		del.Groups = []string{group}
		code(t, c.DeleteGroups(ctx, del).Groups[0].ErrorCode, kerr.CoordinatorLoadInProgress)
		close(c.gate)
		synctest.Wait()
		code(t, c.ListGroups(ctx, kmsg.NewPtrListGroupsRequest()).ErrorCode, nil)
		code(t, c.DeleteGroups(ctx, del).Groups[0].ErrorCode, kerr.GroupIDNotFound)
	})
}

func TestTopicsDeletedReachesEveryShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.stop()
		c.elect(1)
		synctest.Wait()
		ctx := t.Context()
		groups := []string{"a", "b", "c", "d"}
		for _, g := range groups {
			c.OffsetCommit(ctx, commitOf(g, 8))
		}
		c.TopicsDeleted([]string{"t"})
		synctest.Wait()
		r := kmsg.NewPtrOffsetFetchRequest()
		r.Version = 8
		for _, g := range groups {
			r.Groups = append(r.Groups, kmsg.OffsetFetchRequestGroup{Group: g})
		}
		for _, g := range c.OffsetFetch(ctx, r).Groups {
			if len(g.Topics) != 0 {
				t.Errorf("group %s has %+v", g.Group, g.Topics)
			}
		}
	})
}

// Every body must have what its version's encoding needs.
func TestResponsesEncodeInEveryVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 1)
		defer c.stop()
		ctx := t.Context()
		encode := func(r kmsg.Response, version int16) {
			t.Helper()
			if r.GetVersion() != version {
				t.Errorf("%T has version %d, want %d", r, r.GetVersion(), version)
			}
			again := kmsg.ResponseForKey(r.Key())
			again.SetVersion(version)
			if err := again.ReadFrom(r.AppendTo(nil)); err != nil {
				t.Errorf("%T v%d: %v", r, version, err)
			}
		}
		for range 2 { // refused, then served
			for v := range int16(10) {
				r := joinRequest(v, "", "", "x")
				r.Group = fmt.Sprint("join", v)
				encode(c.JoinGroup(ctx, Client{}, r), v)
			}
			for v := range int16(6) {
				s, l := kmsg.NewPtrSyncGroupRequest(), kmsg.NewPtrLeaveGroupRequest()
				s.Version, l.Version = v, v
				encode(c.SyncGroup(ctx, Client{}, s), v)
				encode(c.LeaveGroup(ctx, Client{}, l), v)
			}
			for v := int16(2); v <= 9; v++ {
				encode(c.OffsetCommit(ctx, commitOf("x", v)), v)
			}
			for v := range int16(7) {
				r := kmsg.NewPtrDescribeGroupsRequest()
				r.Version, r.Groups = v, []string{"x"}
				encode(c.DescribeGroups(ctx, r), v)
			}
			c.elect(1)
			synctest.Wait()
		}
	})
}

func BenchmarkOffsetCommit(b *testing.B) {
	c := newCluster(b, 1)
	defer c.stop()
	c.elect(1)
	ctx := b.Context()
	for c.OffsetCommit(ctx, commitOf("g", 8)).Topics[0].Partitions[0].ErrorCode != 0 {
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.OffsetCommit(ctx, commitOf("g", 8))
		}
	})
}
