package replica

import (
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// A leader is found in an election by its normal epoch; before that is durable it
// does not count itself.
func TestALeaderCountsNothingBeforeItsNormalEpochIsDurable(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.apply(view(self, 1, 1, "i"))
	s.does("start epoch 1 · save normal 1")
	s.syncs()
	s.does("")
	s.saved(1)
	s.does("committed 2")
}

// Two of three hold a record durably: committed. The leader has to be one of them.
func TestAMajorityOfTheSetCommits(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "i", "i")
	s.does("")
	s.follows(other)
	s.acks(other, 0, true)
	s.appends(1, 3)
	s.syncs()
	s.does("")
	s.sends(other)
	s.acks(other, 2, true)
	s.does("committed 2")
	s.appends(1, 1)
	s.sends(other)
	s.acks(other, 4, true)
	s.does("committed 3") // the leader has not synced the fourth
	s.syncs()
	s.does("committed 4")
}

func TestFollowersThatAreNotNormalDoNotCount(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.leads("i", "i", "i")
	s.does("")
	s.follows(other)
	s.acks(other, 2, false)
	s.does("")
	s.acks(other, 2, true)
	s.does("committed 2")
}

func TestMinInsyncRaisesTheQuorum(t *testing.T) {
	s := newStory(t, newTestLog(0), 0)
	v := view(self, 1, 1, "i", "i", "i")
	v.MinInsync = 3
	s.apply(v)
	s.does("start epoch 1 · save normal 1")
	s.log.starts[1] = 1
	s.saved(1)
	s.follows(other)
	s.follows(third)
	s.acks(other, 1, true)
	s.does("")
	s.acks(third, 1, true)
	s.does("committed 1")
	v.MinInsync, v.PartitionEpoch = 4, 2 // no set of three is enough
	s.apply(v)
	s.appends(1, 1)
	s.syncs()
	s.sends(other)
	s.sends(third)
	s.acks(other, 2, true)
	s.acks(third, 2, true)
	s.does("")
}

// A set that is proposed may be in force already: both have to hold what is committed.
func TestAProposedSetCountsBesideTheOneInForce(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "i", "-")
	s.follows(other)
	s.acks(other, 0, true)
	s.does("")
	s.follows(third)
	s.acks(third, 0, true)
	s.does("propose 0+1+2")
	s.appends(1, 1)
	s.syncs()
	s.sends(third)
	s.acks(third, 1, true) // two of {0,1,2}, but not of {0,1}
	s.does("")
	s.sends(other)
	s.acks(other, 1, true)
	s.does("committed 1")
}

// A proposal ends with a newer version of the partition, and with nothing else.
func TestAProposalIsMadeAgainUntilMetadataAnswersIt(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "-")
	s.does("")
	s.follows(other)
	s.acks(other, 0, true)
	s.does("propose 0+1")
	s.r.Tick(s.now)
	s.does("")
	at, ok := s.r.NextTick(s.now)
	if !ok || at != s.now.Add(proposeAgainAfter) {
		t.Fatalf("next tick %v, %t", at, ok)
	}
	s.now = at
	s.r.Tick(s.now)
	s.does("propose 0+1")
	s.appends(1, 1)
	s.syncs()
	s.does("") // {0,1} may be in force
	refused := view(self, 1, 2, "i", "d")
	s.apply(refused)
	s.does("committed 1")
	if _, ok := s.r.NextTick(s.now); ok {
		t.Error("it waits for something")
	}
}

// Who joins has to hold what an earlier leader may have committed, not only what
// this one knows to be.
func TestAFollowerJoinsAtTheFloor(t *testing.T) {
	s := newStory(t, newTestLog(0, 0, 0), 0)
	s.leads("i", "-")
	s.does("committed 3")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 1, End: 1, LastEpoch: 0}, s.now)
	s.does("1 agreed at 1")
	s.acks(other, 1, false)
	s.sends(other)
	s.acks(other, 2, false)
	s.does("")
	s.acks(other, 3, true)
	s.does("propose 0+1")
}

// The run whose log the leader has seen is not the one that is registered now.
func TestAnEarlierRunDoesNotJoin(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	v := view(self, 1, 1, "i", "-")
	v.Members[1].BrokerEpoch = 200
	s.apply(v)
	s.does("start epoch 1 · save normal 1")
	s.saved(1)
	s.follows(other)
	s.acks(other, 0, true)
	s.does("")
}

// With {0,1,2} a record may be committed on {0,2}: 2 is not dropped before 1 has it.
func TestAMemberIsDroppedOnlyWhenTheRestHoldsWhatIsCommitted(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "i", "i")
	s.follows(other)
	s.follows(third)
	s.acks(other, 0, true)
	s.acks(third, 0, true)
	s.appends(1, 1)
	s.syncs()
	s.sends(third)
	s.acks(third, 1, true)
	s.does("committed 1")
	s.apply(view(self, 1, 2, "i", "i", "id"))
	s.does("")
	s.sends(other)
	s.acks(other, 1, true)
	s.does("propose 0+1")
}

func TestAMemberThatLagsIsDropped(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "i", "i")
	s.follows(other)
	s.follows(third)
	s.acks(other, 0, true)
	s.acks(third, 0, true)
	s.appends(1, 1)
	s.syncs()
	s.sends(other)
	s.acks(other, 1, true)
	s.does("committed 1")
	at, ok := s.r.NextTick(s.now)
	if !ok || at != s.now.Add(lag) {
		t.Fatalf("next tick %v, %t", at, ok)
	}
	s.now = at
	s.r.Tick(s.now)
	s.does("propose 0+1")
}

// A follower that is always a little behind, but moves, is not dropped.
func TestAMemberThatKeepsUpWithALoadIsNotDropped(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "i")
	s.follows(other)
	s.acks(other, 0, true)
	s.does("")
	s.appends(1, 1)
	for range 40 {
		s.now = s.now.Add(lag / 4)
		behind := s.log.EndOffset()
		s.appends(1, 1)
		s.sends(other)
		s.acks(other, behind, true)
		s.r.Tick(s.now)
		s.does("")
	}
}

// After an hour in which nothing was written the first record finds nobody lagging,
// and neither does a connection that is made anew.
func TestAnIdlePartitionKeepsItsMembers(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.leads("i", "i")
	s.follows(other)
	s.acks(other, 0, true)
	s.does("")
	s.now = s.now.Add(time.Hour)
	s.appends(1, 1)
	s.does("")
	s.sends(other)
	s.acks(other, 1, true)
	s.syncs()
	s.does("committed 1")
	s.now = s.now.Add(time.Hour)
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 2), Epoch: 1, End: 1, LastEpoch: 1}, s.now)
	s.does("1 agreed at 1")
	s.r.Tick(s.now)
	s.does("")
}

// A member that cannot be dropped yet is looked at when something happens, not all
// the time.
func TestNothingIsWaitedForWhereALaggardCannotBeDropped(t *testing.T) {
	s := newStory(t, newTestLog(0), 0)
	s.leads("i", "i", "i")
	s.now = s.now.Add(2 * lag)
	s.r.Tick(s.now)
	for range 3 {
		if at, ok := s.r.NextTick(s.now); ok && !at.After(s.now) {
			t.Fatalf("next tick %v is over at %v", at, s.now)
		}
		s.r.Take()
	}
}

// A leader may have been elected for records that it has not synced: it is normal
// once it has.
func TestALeaderIsNormalOnceWhatItWasElectedForIsDurable(t *testing.T) {
	log := newTestLog(0)
	s := &story{t: t, log: log, now: time.Unix(1000, 0)}
	s.r = New(Options{Node: self, BrokerEpoch: 100, Log: log, NormalEpoch: 0, LagMax: lag}) // nothing synced
	s.apply(view(self, 2, 1, "i"))
	s.does("start epoch 2")
	s.syncs()
	s.does("save normal 2")
	s.saved(2)
	s.does("committed 1")
}

// A start that has moved is told also where nothing else is new.
func TestAMovedStartIsTold(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.leads("i", "i")
	s.follows(other)
	s.acks(other, 2, true)
	s.does("committed 2")
	s.sends(other)
	if m, ok := s.r.Next(other); ok {
		t.Fatalf("%+v", m)
	}
	s.log.epochs, s.log.start = s.log.epochs[1:], 1
	if m, ok := s.sends(other); !ok || m.Start != 1 || m.End != 2 {
		t.Fatalf("%+v, %t", m, ok)
	}
}

// Contract 5: messages may come twice. A copy of a position is of a follower that has
// gone on.
func TestADoubledPositionChangesNothing(t *testing.T) {
	s := newStory(t, newTestLog(0), 0)
	s.leads("i", "i")
	s.follows(other)
	s.acks(other, 1, true)
	s.does("committed 1")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 1, End: 1, LastEpoch: 0}, s.now)
	s.does("")
	if _, ok := s.sends(other); !ok {
		t.Fatal("it sends nothing any more")
	}
}

// Another replica in the place of one, in the same epoch: what was known of that one is
// not taken for the new one's.
func TestAReplicaThatReplacesAnotherHasNothing(t *testing.T) {
	s := newStory(t, newTestLog(0), 0)
	s.leads("i", "i")
	s.follows(other)
	s.acks(other, 1, true)
	s.does("committed 1")
	v := view(self, 1, 2, "i", "-")
	v.Members[1].Node = third
	s.apply(v)
	s.does("")
	if p := s.r.progressOf(third); p.agreed || p.acked > 0 {
		t.Fatalf("%+v", p)
	}
}

// A lost member is taken back in one step, once it holds everything again.
func TestALostMemberIsReadmittedAtTheFloor(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.leads("i", "il")
	s.does("")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 1, LastEpoch: model.NoLeaderEpoch}, s.now)
	s.does("1 agreed at 0")
	s.acks(other, 0, false)
	s.sends(other)
	s.acks(other, 1, false)
	s.does("")
	s.acks(other, 2, true)
	s.does("committed 2 · propose 0+1")
}

func TestStaleStreamsAndDoubledMessagesAreIgnored(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.leads("i", "i")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 2), Epoch: 1, LastEpoch: model.NoLeaderEpoch}, s.now)
	s.does("1 agreed at 0")
	s.acks(other, 2, true) // of stream 1: of a past in which it held more
	s.does("")
	s.follows1stAgain()
	if m, ok := s.r.Next(other); ok {
		t.Fatalf("%+v before the first acknowledgement", m)
	}
}

// follows1stAgain: the position of an earlier stream arrives late.
func (s *story) follows1stAgain() {
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 1, End: 2, LastEpoch: 0}, s.now)
	s.does("")
}

// Goal: the leader sends no data that the follower would drop while it cuts its log.
func TestDataWaitsUntilTheFollowerHasCut(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.leads("i", "i")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 1, End: 1, LastEpoch: 0}, s.now)
	s.does("1 agreed at 1")
	if m, ok := s.r.Next(other); ok {
		t.Fatalf("it sends %+v", m)
	}
	s.acks(other, 1, false)
	if m, ok := s.r.Next(other); !ok || m.End != 1 {
		t.Fatalf("%+v, %t", m, ok)
	}
}

// The leader's start has moved beyond what the follower was to get: it sees that in
// the data, and the leader sends nothing more on this stream.
func TestAFollowerBehindTheLeadersStartBeginsAnew(t *testing.T) {
	s := newStory(t, newTestLog(0, 0, 0), 0)
	s.leads("i", "-")
	s.does("committed 3")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 1, LastEpoch: model.NoLeaderEpoch}, s.now)
	s.does("1 agreed at 0")
	s.acks(other, 0, false)
	s.log.epochs, s.log.start = s.log.epochs[2:], 2
	m, ok := s.r.Next(other)
	if !ok || m.End != 0 || m.Start != 2 {
		t.Fatalf("%+v, %t", m, ok)
	}
	s.r.Sent(other, m, m.End) // there was nothing to send
	if m, ok := s.r.Next(other); ok {
		t.Fatalf("it goes on with %+v", m)
	}

	f := newStory(t, newTestLog(), model.NoLeaderEpoch)
	f.apply(view(other, 1, 1, "-", "i"))
	f.does("position [0,0) last -1 to 1")
	f.r.Receive(other, Message{Kind: Agreed, Stream: f.r.follow.stream, Epoch: 1, ElectedEnd: 3}, f.now)
	f.does("ack 0")
	m.Stream = f.r.follow.stream
	f.r.Receive(other, m, f.now)
	f.does("position [0,0) last -1 to 1")
}

// The position of a follower that has applied the epoch first is kept.
func TestAPositionThatComesBeforeTheEpochIsKept(t *testing.T) {
	s := newStory(t, newTestLog(0), 0)
	s.apply(view(other, 0, 1, "i", "i"))
	s.does("position [0,1) last 0 to 1")
	s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 2, End: 1, LastEpoch: 0}, s.now)
	s.apply(view(model.NoNode, 1, 2, "i", "i"))
	s.does("")
	s.apply(view(self, 2, 3, "i", "i"))
	s.does("start epoch 2 · save normal 2 · 1 agreed at 1")
}

func TestALeaseCountsFromWhenTheHeartbeatWasSent(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewLease(time.Second)
	if l.Held(now) {
		t.Error("held before the first answer")
	}
	l.Renew(now)
	l.Renew(now.Add(-time.Minute)) // an old answer, late
	if !l.Held(now.Add(999*time.Millisecond)) || l.Held(now.Add(time.Second)) {
		t.Error("not held for a second")
	}
	l.Revoke()
	if l.Held(now) {
		t.Error("held after it was revoked")
	}
}
