package replica

import (
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// tells has the leader (1) of the epoch that the replica knows tell it something.
func (s *story) tells(m Message) {
	m.Stream, m.Epoch = s.r.follow.stream, s.r.follow.epoch
	if m.Kind != Data {
		m.NewestEpoch = model.NoLeaderEpoch
	}
	s.r.Receive(other, m, s.now)
}

// One step: the leader's log of the same epoch is shorter.
func TestAFollowerCutsWhereTheLogsDiverge(t *testing.T) {
	s := newStory(t, newTestLog(0, 0, 0), 0)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,3) last 0 to 1")
	s.tells(Message{Kind: Agreed, End: 1, ElectedEnd: 2})
	s.does("cut to 1")
	s.log.truncate(1)
	s.r.Truncated(s.now)
	s.does("ack 1")
}

// Several steps (KIP-279): 0 has epochs 1 and 3, the leader 0 and 2.
func TestAFollowerCutsOneEpochAfterAnother(t *testing.T) {
	s := newStory(t, newTestLog(0, 1, 1, 3), 3)
	s.apply(view(other, 5, 1, "i", "i"))
	s.does("position [0,4) last 3 to 1")
	s.tells(Message{Kind: Diverged, LastEpoch: 2, End: 9})
	s.does("cut to 3")
	s.log.truncate(3)
	s.r.Truncated(s.now)
	s.does("position [0,3) last 1 to 1")
	s.tells(Message{Kind: Diverged, LastEpoch: 0, End: 1})
	s.does("cut to 1")
	s.log.truncate(1)
	s.r.Truncated(s.now)
	s.does("position [0,1) last 0 to 1")
}

// What the leader answers in those cases, and where nothing is in common.
func TestALeaderTellsWhereTheLogsDiverge(t *testing.T) {
	f := func(start, end model.Offset, last model.LeaderEpoch, want string) {
		t.Helper()
		log := newTestLog(0, 0, 2, 2)
		s := newStory(t, log, 2)
		s.apply(view(self, 5, 1, "i", "-"))
		s.does("start epoch 5 · save normal 5")
		s.r.Receive(other, Message{Kind: Position, Stream: stream(other, 1), Epoch: 5, Start: start, End: end, LastEpoch: last}, s.now)
		s.does(want)
	}
	f(0, 4, 2, "1 agreed at 4")
	f(0, 9, 2, "1 agreed at 4")
	f(0, 3, 2, "1 agreed at 3")
	f(0, 9, 0, "1 agreed at 2")
	f(0, 3, 1, "1 diverged: 0 ends at 2")
	f(0, 5, 3, "1 diverged: 2 ends at 4")
	f(0, 0, -1, "1 agreed at 0")
	f(3, 3, -1, "1 agreed at 3")
	f(7, 7, -1, "1 starts over at 0") // empty, and beyond the leader's end
}

// Normal is who has, durably, all that the leader had when it was elected.
func TestAFollowerIsNormalOnceItHasWhatTheLeaderHadWhenElected(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.apply(view(other, 4, 1, "i", "i"))
	s.does("position [0,0) last -1 to 1")
	s.tells(Message{Kind: Agreed, End: 0, ElectedEnd: 2})
	s.does("ack 0")
	s.tells(Message{Kind: Data, End: 0, NewestEpoch: 3, HighWatermark: 2})
	s.does("append")
	s.appends(3, 2)
	s.does("committed 2")
	s.r.Synced(1, s.now)
	s.does("ack 1")
	s.syncs()
	s.does("save normal 4 · ack 2") // the acknowledgement does not say so yet
	s.saved(4)
	s.does("ack 2 normal")
}

// The promise of an election: whoever has applied the epoch without a leader takes
// nothing of older ones.
func TestNothingIsTakenFromAnOlderEpoch(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.apply(view(other, 0, 1, "i", "i"))
	s.does("position [0,0) last -1 to 1")
	s.tells(Message{Kind: Agreed})
	s.does("save normal 0 · ack 0")
	s.apply(view(model.NoNode, 1, 2, "i", "i"))
	s.r.Ask(1)
	s.does("answer normal -1 end 0")
	s.tells(Message{Kind: Data, NewestEpoch: 0})
	s.does("")
}

// A question is answered once its epoch is applied, and once the log stands still.
func TestAnAnswerWaitsForTheEpochAndForTheCut(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,2) last 0 to 1")
	s.r.Ask(3)
	s.does("")
	s.tells(Message{Kind: Agreed, End: 1, ElectedEnd: 1})
	s.does("cut to 1")
	s.apply(view(model.NoNode, 3, 2, "i", "i"))
	s.does("")
	s.log.truncate(1)
	s.r.Truncated(s.now)
	s.does("answer normal 0 end 1")
	s.r.Ask(2) // of the past
	s.does("")
}

func TestBatchesOfANewerEpochAreRefused(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,0) last -1 to 1")
	s.tells(Message{Kind: Agreed, ElectedEnd: 1})
	s.does("ack 0")
	s.tells(Message{Kind: Data, NewestEpoch: 3})
	s.does("")
}

func TestAGapMakesAFollowerAskAgain(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,0) last -1 to 1")
	s.tells(Message{Kind: Agreed, ElectedEnd: 9})
	s.does("ack 0")
	s.tells(Message{Kind: Data, End: 1, NewestEpoch: 2})
	s.does("position [0,0) last -1 to 1")
}

// Goal: a follower is not forgotten whose leader did not have the partition yet.
func TestAPositionThatIsNotAnsweredIsSentAgain(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,0) last -1 to 1")
	at, ok := s.r.NextTick(s.now)
	if !ok || at != s.now.Add(askAgainAfter) {
		t.Fatalf("next tick %v, %t", at, ok)
	}
	s.r.Tick(s.now)
	s.does("")
	s.now = at
	s.r.Tick(s.now)
	s.does("position [0,0) last -1 to 1")
	s.tells(Message{Kind: Agreed, ElectedEnd: 1})
	s.does("ack 0")
	if _, ok := s.r.NextTick(s.now); ok {
		t.Error("it waits for something still")
	}
}

// Versions of the metadata may be skipped: from following one leader to leading.
func TestEpochsMayBeSkipped(t *testing.T) {
	s := newStory(t, newTestLog(0), 0)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,1) last 0 to 1")
	s.tells(Message{Kind: Agreed, End: 1, ElectedEnd: 1})
	s.does("save normal 2 · ack 1")
	s.saved(2)
	s.does("ack 1 normal")
	s.apply(view(self, 6, 9, "i", "-"))
	s.does("start epoch 6 · save normal 6")
	s.saved(6)
	s.does("committed 1")
	s.apply(view(model.NoNode, 7, 10, "i", "-"))
	s.appends(6, 1)
	s.syncs()
	s.does("")
}

// A new epoch while the log is being cut: the cut ends first.
func TestACutIsFinishedBeforeTheNextEpochBegins(t *testing.T) {
	s := newStory(t, newTestLog(0, 0), 0)
	s.apply(view(other, 2, 1, "i", "i", "i"))
	s.does("position [0,2) last 0 to 1")
	s.tells(Message{Kind: Agreed, End: 1, ElectedEnd: 1})
	s.does("cut to 1")
	s.apply(view(third, 4, 2, "i", "i", "i"))
	s.does("")
	s.log.truncate(1)
	s.r.Truncated(s.now)
	s.does("position [0,1) last 0 to 2")
}

// The leader of an unclean election may lack what was committed: what a replica that is
// not in sync knows of that goes with the records.
func TestAHighWatermarkGoesBackWhereTheLogIsCutBelowIt(t *testing.T) {
	s := newStory(t, newTestLog(), model.NoLeaderEpoch)
	s.apply(view(other, 2, 1, "i", "i"))
	s.does("position [0,0) last -1 to 1")
	s.tells(Message{Kind: Agreed, ElectedEnd: 0})
	s.r.Take()
	s.tells(Message{Kind: Data, NewestEpoch: 2, HighWatermark: 3})
	s.r.Take()
	s.appends(2, 3)
	s.does("committed 3")
	s.apply(view(model.NoNode, 3, 2, "i", "i"))
	s.apply(view(other, 4, 3, "-", "i"))
	s.does("position [0,3) last 2 to 1")
	s.tells(Message{Kind: Agreed, End: 1, ElectedEnd: 1})
	s.does("cut to 1")
	if err := s.r.Check(); err != nil {
		t.Error(err)
	}
	s.log.truncate(1)
	s.r.Truncated(s.now)
	if hw := s.r.HighWatermark(); hw != 1 {
		t.Errorf("the high watermark is %d", hw)
	}
	s.r.Take()
	s.tells(Message{Kind: Data, End: 1, NewestEpoch: 4, HighWatermark: 2})
	s.r.Take()
	s.appends(4, 2)
	s.does("committed 2")
}
