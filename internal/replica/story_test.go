package replica

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// testLog is a log of records that are told apart by epoch and offset.
type testLog struct {
	start  model.Offset
	epochs []model.LeaderEpoch // of each record, from start on
	starts map[model.LeaderEpoch]model.Offset
}

func newTestLog(epochs ...model.LeaderEpoch) *testLog {
	l := &testLog{starts: map[model.LeaderEpoch]model.Offset{}}
	for _, e := range epochs {
		l.append(e)
	}
	return l
}

func (l *testLog) append(e model.LeaderEpoch) {
	if _, ok := l.starts[e]; !ok {
		l.starts[e] = l.EndOffset()
	}
	l.epochs = append(l.epochs, e)
}

func (l *testLog) truncate(to model.Offset) {
	l.epochs = l.epochs[:to-l.start]
	for e, start := range l.starts {
		if start >= to {
			delete(l.starts, e)
		}
	}
}

func (l *testLog) StartOffset() model.Offset { return l.start }
func (l *testLog) EndOffset() model.Offset   { return l.start + model.Offset(len(l.epochs)) }

func (l *testLog) LastEpoch() model.LeaderEpoch {
	last := model.NoLeaderEpoch
	for e := range l.starts {
		last = max(last, e)
	}
	return last
}

func (l *testLog) EpochEnd(e model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	found, end := model.NoLeaderEpoch, l.EndOffset()
	for have := range l.starts {
		if have <= e {
			found = max(found, have)
		}
	}
	for have, start := range l.starts {
		if have > e {
			end = min(end, start)
		}
	}
	if found == model.NoLeaderEpoch {
		return found, l.start
	}
	return found, end
}

// story is one replica, and a test that plays everybody else.
type story struct {
	t   *testing.T
	r   *Replica
	log *testLog
	now time.Time
}

const (
	self  model.NodeID = 0
	other model.NodeID = 1
	third model.NodeID = 2
	lag                = 10 * time.Second
)

func newStory(t *testing.T, log *testLog, normal model.LeaderEpoch) *story {
	t.Helper()
	r := New(Options{Node: self, BrokerEpoch: 100, Log: log, DurableEnd: log.EndOffset(), NormalEpoch: normal, LagMax: lag})
	return &story{t: t, r: r, log: log, now: time.Unix(1000, 0)}
}

// view is a version of the metadata: who leads in which epochs, and, for each of the
// replicas 0, 1, 2, "i" in sync, "l" lost, "d" down, or "-".
func view(leader model.NodeID, epoch model.LeaderEpoch, version model.PartitionEpoch, members ...string) View {
	v := View{Leader: leader, LeaderEpoch: epoch, PartitionEpoch: version, MinInsync: 1}
	for n, m := range members {
		v.Members = append(v.Members, Member{
			Node: model.NodeID(n), BrokerEpoch: 100 + model.BrokerEpoch(n),
			InSync: strings.ContainsAny(m, "il"), Lost: strings.Contains(m, "l"), Down: strings.Contains(m, "d"),
		})
	}
	return v
}

// does takes the effects and compares them with a line of words.
func (s *story) does(want string) {
	s.t.Helper()
	var words []string
	for _, e := range s.r.Take() {
		words = append(words, effectWord(e))
	}
	if got := strings.Join(words, " · "); got != want {
		s.t.Fatalf("does %q, want %q\n%s", got, want, s.r)
	}
	if err := s.r.Check(); err != nil {
		s.t.Fatal(err)
	}
}

func effectWord(e Effect) string {
	switch e.Kind {
	case StartEpoch:
		return fmt.Sprintf("start epoch %d", e.Epoch)
	case SaveNormal:
		return fmt.Sprintf("save normal %d", e.Epoch)
	case Truncate:
		return fmt.Sprintf("cut to %d", e.Offset)
	case StartOver:
		return fmt.Sprintf("start over at %d", e.Offset)
	case Append:
		return "append"
	case Committed:
		return fmt.Sprintf("committed %d", e.Offset)
	case AdvanceStart:
		return fmt.Sprintf("start at %d", e.Offset)
	case Reply:
		return fmt.Sprintf("answer normal %d end %d", e.Answer.NormalEpoch, e.Answer.End)
	case Propose:
		return "propose " + changeWord(e.Change)
	case Send:
		return messageWord(e.Node, e.Message)
	}
	return fmt.Sprintf("effect %d", e.Kind)
}

func changeWord(c *Change) string {
	var isr []string
	for _, m := range c.ISR {
		isr = append(isr, fmt.Sprint(m.Node))
	}
	if len(c.Lost) > 0 {
		return fmt.Sprintf("%s lost %v", strings.Join(isr, "+"), c.Lost)
	}
	return strings.Join(isr, "+")
}

func messageWord(to model.NodeID, m Message) string {
	switch m.Kind {
	case Position:
		return fmt.Sprintf("position [%d,%d) last %d to %d", m.Start, m.End, m.LastEpoch, to)
	case Diverged:
		return fmt.Sprintf("%d diverged: %d ends at %d", to, m.LastEpoch, m.End)
	case Agreed:
		if m.StartOver {
			return fmt.Sprintf("%d starts over at %d", to, m.End)
		}
		return fmt.Sprintf("%d agreed at %d", to, m.End)
	case Ack:
		if m.Normal {
			return fmt.Sprintf("ack %d normal", m.End)
		}
		return fmt.Sprintf("ack %d", m.End)
	case Data:
	}
	return fmt.Sprintf("message %d", m.Kind)
}

func (s *story) apply(v View) { s.r.Apply(v, s.now) }

// saved: the normal epoch and everything in the log are durable.
func (s *story) saved(e model.LeaderEpoch) { s.r.NormalSaved(e, s.now) }

func (s *story) appends(e model.LeaderEpoch, count int) {
	for range count {
		s.log.append(e)
	}
	s.r.Appended(s.now)
}

func (s *story) syncs() { s.r.Synced(s.log.EndOffset(), s.now) }

// leads makes the replica the leader of epoch 1, durably normal.
func (s *story) leads(members ...string) {
	s.t.Helper()
	s.apply(view(self, 1, 1, members...))
	s.does("start epoch 1 · save normal 1")
	s.log.starts[1] = s.log.EndOffset()
	s.saved(1)
}

// stream numbers a follower's stream.
func stream(node model.NodeID, number uint32) Stream {
	return Stream{BrokerEpoch: 100 + model.BrokerEpoch(node), Number: number}
}

// follows has a follower agree with the leader in its first stream: it has what the
// leader has.
func (s *story) follows(node model.NodeID) {
	s.t.Helper()
	end := s.log.EndOffset()
	s.r.Receive(node, Message{Kind: Position, Stream: stream(node, 1), Epoch: 1, End: end, LastEpoch: s.log.LastEpoch()}, s.now)
	s.does(fmt.Sprintf("%d agreed at %d", node, end))
}

func (s *story) acks(node model.NodeID, end model.Offset, normal bool) {
	s.r.Receive(node, Message{Kind: Ack, Stream: stream(node, 1), Epoch: 1, End: end, Normal: normal}, s.now)
}

// sends has the leader send what a follower lacks.
func (s *story) sends(node model.NodeID) (m Message, ok bool) {
	if m, ok = s.r.Next(node); ok {
		s.r.Sent(node, m, s.log.EndOffset())
	}
	return m, ok
}
