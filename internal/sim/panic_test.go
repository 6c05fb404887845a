package sim

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/quorum"
)

// runWith is a run in which something is done to the cluster in its third second.
func runWith(t *testing.T, do func(*cluster)) *Violation {
	t.Helper()
	defer replaceChance(1)()
	w := &world{rng: rand.New(rand.NewPCG(1, 1))}
	pl := newPlan(w.rng, true)
	pl.nodes, pl.voters, pl.factor, pl.minInsync = 3, 3, 3, 2
	c := newCluster(w, pl)
	w.after(3*time.Second, func() { do(c) })
	c.guarded(c.run)
	return c.checkers.violation
}

// A voter forgets entries that it has acknowledged: the leader tells it of a commit
// index beyond its log, and raft panics.
func TestAPanicOfRaftIsAViolation(t *testing.T) {
	v := runWith(t, func(c *cluster) {
		for _, n := range c.nodes {
			if !n.process.machine.Leads() {
				n.crash(killed, "to forget")
				d := &n.disk.raft
				d.entries = nil
				d.state = &quorum.HardState{Term: d.state.Term, Vote: d.state.Vote, Commit: new(d.last())}
				n.start()
				return
			}
		}
	})
	if v == nil || v.Checker != "RaftPanic" {
		t.Fatalf("%v", v)
	}
}

func TestAnotherPanicIsAViolation(t *testing.T) {
	v := runWith(t, func(*cluster) {
		var none *quorum.Machine
		none.Tick()
	})
	if v == nil || v.Checker != "Panic" || !strings.Contains(v.What, "quorum.(*Machine)") {
		t.Fatalf("%v", v)
	}
}

func TestNoPanicIsNoViolation(t *testing.T) {
	if v := runWith(t, func(*cluster) {}); v != nil {
		t.Fatal(v)
	}
}

func TestARunWithoutAnEndIsAViolation(t *testing.T) {
	v := runWith(t, func(c *cluster) {
		var again func()
		again = func() { c.w.after(0, again) }
		again()
	})
	if v == nil || v.Checker != "Panic" || !strings.Contains(v.What, "without an end") {
		t.Fatalf("%v", v)
	}
}
