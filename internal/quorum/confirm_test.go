package quorum

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/vfs"
)

func TestOneVoterConfirmsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem()})
		n.register()
		for range 3 {
			if err := n.Confirm(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n.clock.timer != nil {
			t.Fatal("a clock runs")
		}
		n.end()
	})
}

// Goal: who no longer leads is not confirmed, though it has not heard so.
func TestADeposedLeaderIsNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		old := v.leader()
		old.register()
		if err := old.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range v.running() {
			if n != old && !isNotLeader(n.Confirm(t.Context())) {
				t.Errorf("node %d is confirmed", n.o.Node)
			}
		}
		v.w.isolate(old.o.Node, true)
		asked := make(chan error, 1)
		go func() { asked <- old.Confirm(context.Background()) }()
		synctest.Wait()
		next := v.leader()
		if err := next.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		v.w.isolate(old.o.Node, false)
		if err := <-asked; !isNotLeader(err) {
			t.Fatalf("the old leader: %v", err)
		}
	})
}

// heartbeatsTo are the contexts of the heartbeats to a node.
func heartbeatsTo(to uint64, messages []*Message) (contexts [][]byte) {
	for _, m := range messages {
		if m.GetType() == raftpb.MsgHeartbeat && m.GetTo() == to {
			contexts = append(contexts, m.GetContext())
		}
	}
	return contexts
}

// Goal: one round serves all who asked before it began, and nobody who asked
// later. Method: three questions; the second and third while the first is out.
func TestConfirmationsShareRounds(t *testing.T) {
	s := newScene(t)
	s.elect()
	answer := func(heartbeat []byte) (messages []*Message, replies []Reply) {
		return s.step(&Message{Type: raftpb.MsgHeartbeatResp.Enum(), From: new(uint64(2)), Term: new(s.m.term), Context: heartbeat})
	}
	confirm := func(token string) []*Message {
		t.Helper()
		if err := s.m.Confirm(token); err != nil {
			t.Fatal(err)
		}
		sent, replies := s.settle()
		if len(replies) > 0 {
			t.Fatalf("%s: answered without a majority: %v", token, replies)
		}
		return sent
	}
	if sent := confirm("first"); len(sent) > 0 {
		t.Fatalf("a round before the term has an entry: %v", sent)
	}
	// The first entry of the term is committed, and with it the round begins.
	s.m.node.ReportUnreachable(3) // so that only node 2 counts below
	sent, _ := s.step(&Message{Type: raftpb.MsgAppResp.Enum(), From: new(uint64(2)), Term: new(s.m.term), Index: new(s.last())})
	rounds := heartbeatsTo(2, sent)
	if len(rounds) != 1 {
		t.Fatalf("%d heartbeats", len(rounds))
	}
	if sent := append(confirm("second"), confirm("third")...); len(heartbeatsTo(2, sent)) > 0 {
		t.Fatal("a second round while one is under way")
	}
	if _, replies := answer(nil); len(replies) > 0 {
		t.Fatalf("confirmed by an answer to an earlier heartbeat: %v", replies)
	}
	sent, replies := answer(rounds[0])
	if len(replies) != 1 || replies[0].Token != "first" || replies[0].Err != nil {
		t.Fatal(replies)
	}
	next := heartbeatsTo(2, sent)
	if len(next) != 1 || slices.Equal(next[0], rounds[0]) {
		t.Fatalf("heartbeats %v after %v", next, rounds)
	}
	if _, replies := answer(rounds[0]); len(replies) > 0 {
		t.Fatalf("confirmed by an answer to the round before: %v", replies)
	}
	if _, replies := answer(next[0]); len(replies) != 2 || replies[0].Token != "second" || replies[1].Token != "third" {
		t.Fatal(replies)
	}
	confirm("fourth")
	_, replies = s.step(&Message{Type: raftpb.MsgHeartbeat.Enum(), From: new(uint64(3)), Term: new(s.m.term + 1)})
	if len(replies) != 1 || replies[0].Token != "fourth" || !isNotLeader(replies[0].Err) {
		t.Fatal(replies)
	}
	if err := s.m.Confirm("fifth"); !isNotLeader(err) {
		t.Fatal(err)
	}
}

// The image has what was committed before the question.
func TestAConfirmedImageIsNotOlderThanTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		l.register()
		for range 20 {
			go func() { _, _ = l.submit(controller.InitCluster{}) }()
			before := l.Status().Commit
			if err := l.Confirm(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := l.followed.Load().Index; got < before {
				t.Fatalf("the image is of %d, and %d was committed before", got, before)
			}
			v.mustCreate(int(l.Image().Index)*10, int(l.Image().Index)*10+1)
			time.Sleep(time.Millisecond)
		}
	})
}
