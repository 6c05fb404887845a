package quorum

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// join starts a node that waits to be added.
func (v *voters) join(id model.NodeID) {
	v.t.Helper()
	v.fs[id] = vfs.NewMem()
	v.w.set(id, mustStart(v.t, nodeOptions{id: id, join: true, fs: v.fs[id], transport: port{v.w, id}, limits: &v.limits}))
}

// change changes the members through whoever leads, until it is through or
// refused for good.
func (v *voters) change(change Change) error {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		err := v.leader().ChangeMembers(ctx, change)
		cancel()
		not := (*NotLeaderError)(nil)
		if !errors.As(err, &not) && !errors.Is(err, ErrNotCaughtUp) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (v *voters) mustChange(change Change) {
	v.t.Helper()
	if err := v.change(change); err != nil {
		v.t.Fatal(err)
	}
}

// members are those that a node knows of.
func (n *node) members() (voters, learners []model.NodeID) {
	s := n.Status()
	for _, r := range s.Voters {
		voters = append(voters, r.Node)
	}
	for _, r := range s.Learners {
		learners = append(learners, r.Node)
	}
	return voters, learners
}

func (v *voters) wantVoters(want ...model.NodeID) {
	v.t.Helper()
	for _, id := range want {
		if got, learners := v.node(id).members(); !slices.Equal(got, want) || len(learners) > 0 {
			v.t.Errorf("node %d knows voters %v and learners %v, want %v", id, got, learners, want)
		}
	}
}

// Goal: members change for real. Method: a node with an empty disk joins a
// cluster of three whose log begins behind a snapshot, becomes a voter, and takes
// the place of another; all crash and come back.
func TestANodeJoinsAndTakesAnothersPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		v.leader().register()
		v.mustCreate(0, 30)
		v.join(3)
		v.mustChange(Change{Learn: []model.NodeID{3}})
		v.settle()
		if _, learners := v.leader().members(); !slices.Equal(learners, []model.NodeID{3}) {
			t.Fatalf("learners %v", learners)
		}
		gone := (v.leader().o.Node + 1) % 3
		v.mustChange(Change{Promote: []model.NodeID{3}, Remove: []model.NodeID{gone}})
		v.stop(gone, false)
		left := slices.DeleteFunc([]model.NodeID{0, 1, 2, 3}, func(id model.NodeID) bool { return id == gone })
		v.settle()
		v.wantVoters(left...)
		v.mustCreate(30, 50)
		for _, id := range left {
			v.stop(id, true)
		}
		for _, id := range left {
			v.start(id)
		}
		if image := v.settle(); image.Topics.Len() != 50 {
			t.Fatalf("%d topics", image.Topics.Len())
		}
		v.wantVoters(left...)
		for _, id := range left {
			v.node(id).check()
		}
	})
}

// Goal: one voter can grow to three and shrink to another one, which then needs
// no clock. The leader is never removed, it yields.
func TestOneVoterGrowsAndShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &voters{t: t, w: newNetwork(), fs: map[model.NodeID]*vfs.Mem{0: vfs.NewMem()}, limits: SnapshotLimits{Bytes: 1 << 20, Entries: 10, Keep: 2}}
		v.w.set(0, mustStart(t, nodeOptions{id: 0, fs: v.fs[0], transport: port{v.w, 0}, limits: &v.limits}))
		v.leader().register()
		v.mustCreate(0, 25)
		v.join(1)
		v.join(2)
		v.mustChange(Change{Learn: []model.NodeID{1, 2}})
		v.mustChange(Change{Promote: []model.NodeID{1}})
		v.mustChange(Change{Promote: []model.NodeID{2}})
		v.settle()
		v.wantVoters(0, 1, 2)
		if err := v.leader().ChangeMembers(t.Context(), Change{Remove: []model.NodeID{0}}); !errors.Is(err, ErrRemoveLeader) {
			t.Fatalf("the leader removes itself: %v", err)
		}
		for v.leader().o.Node == 0 {
			if err := v.leader().Yield(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		last := v.leader().o.Node
		v.mustChange(Change{Remove: []model.NodeID{0}})
		v.mustChange(Change{Remove: []model.NodeID{3 - last}})
		for _, id := range []model.NodeID{0, 3 - last} {
			v.stop(id, false)
		}
		v.mustCreate(25, 30)
		v.wantVoters(last)
		if !v.node(last).machine.Alone() {
			t.Error("it does not know that it is alone")
		}
		if err := v.change(Change{Remove: []model.NodeID{last}}); !errors.Is(err, ErrRemoveLeader) {
			t.Errorf("the last voter is removed: %v", err)
		}
	})
}

// Goal: a removed node that still runs disturbs nobody: its pre-votes are not
// answered, no term changes.
func TestARemovedNodeDisturbsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		l.register()
		gone := v.node((l.o.Node + 1) % 3)
		v.mustChange(Change{Remove: []model.NodeID{gone.o.Node}})
		term := l.Status().Term
		time.Sleep(time.Minute)
		v.mustCreate(0, 1)
		if s := l.Status(); s.Term != term || s.Leader != l.o.Node || gone.Status().Term > term {
			t.Errorf("%+v, term was %d; the removed node: %+v", s, term, gone.Status())
		}
	})
}

// Goal: a voter that is alone again after changes that its newest snapshot does
// not know leads at once when it starts. Method: in a bubble, with the time that
// passed.
func TestAVoterThatIsAloneAgainLeadsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &voters{t: t, w: newNetwork(), fs: map[model.NodeID]*vfs.Mem{0: vfs.NewMem()}, limits: DefaultSnapshotLimits()}
		start := func() {
			v.w.set(0, mustStart(t, nodeOptions{id: 0, fs: v.fs[0], transport: port{v.w, 0}, limits: &v.limits}))
		}
		start()
		v.leader().register()
		v.mustChange(Change{Learn: []model.NodeID{1}})
		v.mustChange(Change{Remove: []model.NodeID{1}})
		v.stop(0, true)
		start()
		before := time.Now()
		v.mustCreate(0, 1)
		if waited := time.Since(before); waited >= electionTicks*TickInterval {
			t.Errorf("it waited for %v", waited)
		}
	})
}

// Goal: a vote is taken from a node that goes on learning, and given back.
func TestAVoterLearnsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		l.register()
		learner := (l.o.Node + 1) % 3
		v.mustChange(Change{Demote: []model.NodeID{learner}})
		v.mustCreate(0, 5)
		v.settle()
		if got := v.node(learner).Members(); !slices.Equal(got.Learners, []model.NodeID{learner}) || len(got.Voters) != 2 {
			t.Errorf("the node itself knows %+v", got)
		}
		if n := v.node(learner).Image().Topics.Len(); n != 5 {
			t.Errorf("it knows %d topics, want 5", n)
		}
		v.mustChange(Change{Promote: []model.NodeID{learner}})
		v.settle()
		v.wantVoters(0, 1, 2)
	})
}

// Goal: nobody can take the votes away that the rest needs. Method: of three voters one
// is down; the other one cannot be removed, the one that is down can.
func TestTooFewVotersWouldBeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		l.register()
		down, other := (l.o.Node+1)%3, (l.o.Node+2)%3
		v.stop(down, true)
		time.Sleep(3 * electionTicks * TickInterval)
		for _, change := range []Change{{Remove: []model.NodeID{other}}, {Demote: []model.NodeID{other}}} {
			if err := v.change(change); !errors.Is(err, ErrVotersAway) {
				t.Errorf("%+v: %v", change, err)
			}
		}
		v.mustChange(Change{Demote: []model.NodeID{down}})
		v.mustChange(Change{Remove: []model.NodeID{down}})
		v.mustCreate(0, 1)
		v.settle()
		v.wantVoters(min(l.o.Node, other), max(l.o.Node, other))
	})
}
