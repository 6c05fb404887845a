package quorum

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/vfs"
)

// Goal: an idle cluster sends heartbeats and their answers, and nothing else, however many
// want leadership proved.
func TestProofsThatCanWaitCostNoMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		l := v.leader()
		if err := l.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := v.w.sent.Load()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var proved [3]int
		var asking sync.WaitGroup
		for i := range proved {
			asking.Go(func() {
				for l.ConfirmSoon(ctx) == nil {
					proved[i]++
				}
			})
		}
		asking.Wait()
		beats := int(time.Minute / (heartbeatTicks * TickInterval))
		if sent := int(v.w.sent.Load() - before); sent > 4*(beats+1) {
			t.Errorf("%d messages in %d heartbeats to two nodes", sent, beats)
		}
		for i, n := range proved {
			if n < beats-1 {
				t.Errorf("%d was answered %d times in %d heartbeats", i, n, beats)
			}
		}
	})
}

func TestProofsThatCanWaitEndWithLeadership(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := startVoters(t)
		old := v.leader()
		for _, n := range v.running() {
			if n != old && !isNotLeader(n.ConfirmSoon(t.Context())) {
				t.Errorf("node %d is confirmed", n.o.Node)
			}
		}
		v.w.isolate(old.o.Node, true)
		asked := make(chan error, 1)
		go func() { asked <- old.ConfirmSoon(context.Background()) }()
		if err := <-asked; !isNotLeader(err) {
			t.Errorf("the isolated leader: %v", err)
		}
		next := v.leader()
		if err := next.ConfirmSoon(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOneVoterIsConfirmedWithoutHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem()})
		if err := n.ConfirmSoon(t.Context()); err != nil {
			t.Error(err)
		}
		if n.clock.timer != nil {
			t.Error("a clock runs")
		}
		n.end()
	})
}

func TestHeartbeatsAreNotSentTwice(t *testing.T) {
	message := func(kind raftpb.MessageType, to uint64, context string) *Message {
		return &Message{Type: kind.Enum(), To: &to, Context: []byte(context)}
	}
	beat := raftpb.MsgHeartbeat
	list := []*Message{
		message(beat, 2, "a"), message(beat, 3, "a"), message(raftpb.MsgApp, 2, "a"), message(beat, 2, "b"), message(beat, 2, "a"),
		message(raftpb.MsgApp, 2, "a"),
	}
	kept := withoutRepeats(list)
	if len(kept) != len(list)-1 {
		t.Fatalf("%d of %d", len(kept), len(list))
	}
	for i, m := range kept {
		if m != list[i+1] {
			t.Errorf("%d: %v", i, m)
		}
	}
}
