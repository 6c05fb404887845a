package quorum

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
)

// Goal: a follower that hears of its leader in time needs no clock before an election could be
// called, a leader none before its next heartbeat, and everybody else every tick.
func TestTicksAreToldWhereTheyMatter(t *testing.T) {
	s := newScene(t)
	since := uint64(0)
	is := func(what string, want int, again bool) {
		t.Helper()
		ticks, now := s.m.TicksAhead()
		if ticks != want || again != (now != since) {
			t.Errorf("%s: %d ticks, since %d after %d; want %d, counted anew: %t", what, ticks, now, since, want, again)
		}
		since = now
	}
	hear := func(kind raftpb.MessageType, term uint64) {
		t.Helper()
		m := &Message{Type: kind.Enum(), From: new(uint64(2)), To: new(uint64(1)), Term: new(term)}
		if err := s.m.Step(m); err != nil {
			t.Fatal(err)
		}
		s.settle()
	}
	is("nobody leads", 1, false)
	hear(raftpb.MsgHeartbeat, 5)
	is("a leader is heard of", electionTicks, true)
	s.m.Tick()
	is("a tick later", electionTicks-1, false)
	hear(raftpb.MsgHeartbeat, 5)
	is("it is heard of again", electionTicks, true)
	s.m.Tick()
	hear(raftpb.MsgHeartbeat, 4)
	is("one of an older term is", electionTicks-1, false)
	for range electionTicks - 1 {
		s.m.Tick()
	}
	is("any tick may call an election", 1, false)

	s.elect()
	s.acknowledge()
	is("it leads", heartbeatTicks, true)
	s.m.Tick()
	is("a tick later", heartbeatTicks-1, false)
	for range heartbeatTicks - 1 {
		s.m.Tick()
	}
	is("heartbeats are out", heartbeatTicks, false)
}
