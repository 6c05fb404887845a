package controller

import (
	"slices"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// unclean is what an election knows of being unclean.
type unclean struct {
	// demanded: somebody has asked for it.
	demanded bool
	// stuck is since when a clean election has not been possible; zero: it is.
	stuck time.Time
	// sought is when the candidates were first asked; zero: they are not.
	sought time.Time
	// chosen is whom a command names that was submitted, with what it has answered.
	chosen *UncleanElection
}

// UncleanElection is one that has taken place.
type UncleanElection struct {
	Topic     string
	Partition model.Partition
	Leader    model.NodeID
	// LeaderEpoch is the leader's.
	LeaderEpoch model.LeaderEpoch
	// InSync and Lost are the set as it was.
	InSync, Lost []model.NodeID
	// From is where the leader does not know any more what is committed, and LogEnd where
	// it has nothing: what was committed beyond From may be lost, and beyond LogEnd is.
	From, LogEnd model.Offset
	// Demanded: somebody has asked for it; else it was a setting.
	Demanded bool
}

// ElectUncleanly has partitions without a leader elect one as an ElectUncleanly command
// says that they may. Where a clean election is possible it does nothing: what becomes
// impossible later is not what somebody has agreed to.
func (s *Supervisor) ElectUncleanly(now time.Time, partitions []PartitionRef) {
	var demanded []*election
	for _, r := range partitions {
		if e := s.elections[partitionKey{r.Topic, r.Partition}]; e != nil && (!cleanlyElectable(s.image, e.state()) || plant.On(plant.UncleanWhileClean)) {
			e.unclean.demanded = true
			demanded = append(demanded, e)
		}
	}
	s.pursue(now, demanded)
}

// candidates are those of whom an unclean election takes one now; none where it is not
// to be held, or not yet.
func (s *Supervisor) candidates(now time.Time, e *election) []model.NodeID {
	p, u := e.state(), &e.unclean
	if cleanlyElectable(s.image, p) && !plant.On(plant.UncleanWhileClean) {
		u.stuck, u.sought = time.Time{}, time.Time{}
		return nil
	}
	if u.stuck.IsZero() {
		u.stuck = now
	}
	if !u.demanded {
		if !uncleanEnabled(s.image, e.topic, s.uncleanByDefault) {
			return nil
		}
		if at := u.stuck.Add(s.timing.Unclean); now.Before(at) {
			s.retryBy(at)
			return nil
		}
	}
	candidates := uncleanCandidates(s.image, p)
	if u.sought.IsZero() && len(candidates) > 0 {
		u.sought = now
	}
	return candidates
}

// uncleanSettingChanged reports whether a delta may have changed it for a partition
// without a leader.
func (s *Supervisor) uncleanSettingChanged(delta meta.Delta) bool {
	return len(s.elections) > 0 && slices.ContainsFunc(delta.Configs, func(r meta.Resource) bool {
		return r.Type == meta.TopicResource || r.Type == meta.BrokerResource
	})
}

// chooseUncleanly is the candidate to elect; nil where there is none, or not all that
// are there have answered yet, for a moment.
func (s *Supervisor) chooseUncleanly(now time.Time, e *election, candidates []model.NodeID) *member {
	var answered []*member
	for i := range e.members {
		if m := &e.members[i]; m.answered && slices.Contains(candidates, m.node) {
			answered = append(answered, m)
		}
	}
	patient := e.unclean.sought.Add(s.timing.Retry)
	if len(answered) < len(candidates) && now.Before(patient) && !plant.On(plant.UncleanWhileClean) {
		s.retryBy(patient)
		return nil
	}
	if len(answered) == 0 {
		return nil
	}
	return best(answered)
}

// noteUnclean remembers whom an unclean election is about to make leader.
func (e *election) noteUnclean(winner *member) {
	p := e.state()
	e.unclean.chosen = &UncleanElection{
		Topic: e.topic.Name, Partition: e.partition, Leader: winner.node, LeaderEpoch: e.epoch + 1,
		InSync: p.ISR, Lost: p.Lost, From: winner.answer.HighWatermark, LogEnd: winner.answer.LogEnd,
		Demanded: e.unclean.demanded,
	}
}

// tellUnclean tells of an election that has ended, where it was unclean.
func (s *Supervisor) tellUnclean(e *election, p *meta.Partition) {
	if c := e.unclean.chosen; c != nil && c.Leader == p.Leader && c.LeaderEpoch == p.LeaderEpoch &&
		slices.Equal(p.ISR, []model.NodeID{p.Leader}) {
		s.unclean = append(s.unclean, *c)
	}
}
