package controller

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/settings"
)

// Question asks a broker for what it holds of partitions without a leader.
type Question struct {
	Node model.NodeID
	// BrokerEpoch is the registration that is asked; an earlier run must not answer.
	BrokerEpoch model.BrokerEpoch
	Items       []QuestionItem
}

// QuestionItem is one partition of a Question. The broker answers after it has
// applied LeaderEpoch: from then on it accepts nothing of older epochs.
type QuestionItem struct {
	Topic       model.TopicID
	Partition   model.Partition
	LeaderEpoch model.LeaderEpoch
}

// Answer is a broker's answer to a Question, or to part of one.
type Answer struct {
	Node        model.NodeID
	BrokerEpoch model.BrokerEpoch
	Items       []AnswerItem
}

// AnswerItem is what a broker holds of one partition.
type AnswerItem struct {
	Topic       model.TopicID
	Partition   model.Partition
	LeaderEpoch model.LeaderEpoch // the question's
	// NormalEpoch is the last leader epoch in which the replica was normal
	// (replication.md), and LogEnd its log end, synced or not.
	NormalEpoch model.LeaderEpoch
	LogEnd      model.Offset
	// HighWatermark is the end of what the replica knows to be committed.
	HighWatermark model.Offset `json:",omitzero"`
	// LastEpoch is the epoch of the last record. It does not count; see better.
	LastEpoch model.LeaderEpoch
}

// election is a partition without a leader, in one leader epoch.
type election struct {
	topic     *meta.Topic
	partition model.Partition
	epoch     model.LeaderEpoch
	opened    time.Time
	// members are the in-sync set, in its order, and then the other replicas, who are asked
	// for an unclean election alone.
	members   []member
	submitted time.Time // when ElectLeaders last named a leader; zero: never
	leader    model.NodeID
	unclean   unclean
	held      bool // it is in Supervisor.held
}

// member is what is known of a replica. Where it cannot be asked, it is
// as if nothing were.
type member struct {
	node     model.NodeID
	epoch    model.BrokerEpoch // whose run was asked
	asked    time.Time
	answered bool
	answer   AnswerItem
	leaving  bool // it is about to stop, or to be a replica no more
}

func (e *election) state() *meta.Partition { return &e.topic.Partitions[e.partition] }

// inSync are the members of the in-sync set.
func (e *election) inSync() []member { return e.members[:len(e.state().ISR)] }

// partitionChanged begins, follows or ends the election of a partition.
func (s *Supervisor) partitionChanged(now time.Time, t *meta.Topic, partition model.Partition) {
	p, key := &t.Partitions[partition], partitionKey{t.ID, partition}
	s.moveChanged(key, p)
	s.noteUnpreferred(now, key, p)
	e := s.elections[key]
	if p.Leader != model.NoNode {
		if e != nil {
			s.tellUnclean(e, p)
		}
		s.electionEnded(key)
		return
	}
	if e == nil || e.epoch != p.LeaderEpoch {
		s.electionEnded(key)
		e = &election{partition: partition, epoch: p.LeaderEpoch, opened: now}
		s.elections[key] = e
	}
	e.topic = t
	before := e.members
	e.members = make([]member, len(p.Replicas))
	for i, node := range slices.Concat(p.ISR, without(p.Replicas, p.ISR)) {
		e.members[i] = member{node: node}
		if was := slices.IndexFunc(before, func(m member) bool { return m.node == node }); was >= 0 {
			e.members[i] = before[was]
		}
	}
}

// electionEnded forgets an election. Where a leader was submitted for it, that command has
// had its effect, or has been overtaken.
func (s *Supervisor) electionEnded(key partitionKey) {
	if e := s.elections[key]; e != nil && !e.submitted.IsZero() {
		s.electing = time.Time{}
	}
	delete(s.elections, key)
}

// hold keeps an election for after the command that is under way.
func (s *Supervisor) hold(e *election) {
	if !e.held {
		e.held = true
		s.held = append(s.held, e)
	}
	s.retryBy(s.electing.Add(s.timing.Retry))
}

// takeHeld are the elections that were held, and go on.
func (s *Supervisor) takeHeld() []*election {
	held := s.held
	s.held = nil
	return slices.DeleteFunc(held, func(e *election) bool {
		e.held = false
		return s.elections[partitionKey{e.topic.ID, e.partition}] != e
	})
}

// changedElections are those of a delta's partitions.
func (s *Supervisor) changedElections(delta meta.Delta) []*election {
	var changed []*election
	add := func(t *meta.Topic, i model.Partition) {
		if e := s.elections[partitionKey{t.ID, i}]; e != nil {
			changed = append(changed, e)
		}
	}
	for _, t := range delta.Created {
		for i := range t.Partitions {
			add(t, model.Partition(i))
		}
	}
	for _, change := range delta.Changed {
		for _, i := range change.Partitions {
			add(change.Topic, i)
		}
	}
	return changed
}

// Answer hears what a broker holds, and elects where that was missing.
func (s *Supervisor) Answer(now time.Time, a Answer) {
	w := s.brokers[a.Node]
	if w == nil || w.epoch != a.BrokerEpoch || w.fenced {
		return // what an earlier run had, the disk may not have any more
	}
	var touched []*election
	for _, item := range a.Items {
		e := s.elections[partitionKey{item.Topic, item.Partition}]
		if e == nil || e.epoch != item.LeaderEpoch {
			continue
		}
		if i := slices.IndexFunc(e.members, func(m member) bool { return m.node == a.Node }); i >= 0 {
			e.members[i].epoch, e.members[i].answered, e.members[i].answer = a.BrokerEpoch, true, item
			touched = append(touched, e)
		}
	}
	s.pursue(now, touched)
}

// pursue goes on with elections: it forgets answers that do not count any more,
// asks who has not answered, and elects where there are enough. All that can be
// elected is one command.
func (s *Supervisor) pursue(now time.Time, elections []*election) {
	var decided []Election
	for _, e := range elections {
		candidates := s.candidates(now, e)
		s.ask(now, e, candidates)
		if !s.due(now, e.submitted) {
			s.retryBy(e.submitted.Add(s.timing.Retry))
			continue
		}
		if !s.due(now, s.electing) {
			s.hold(e)
			continue
		}
		winner := s.choose(now, e)
		uncleanly := winner == nil && len(candidates) > 0
		if uncleanly {
			winner = s.chooseUncleanly(now, e, candidates)
		}
		if winner == nil {
			continue
		}
		if uncleanly {
			e.noteUnclean(winner)
		}
		e.submitted, e.leader = now, winner.node
		s.retryBy(now.Add(s.timing.Retry))
		decided = append(decided, Election{
			Topic: e.topic.ID, Partition: e.partition, LeaderEpoch: e.epoch, Leader: winner.node, BrokerEpoch: winner.epoch,
			Unclean: uncleanly, Demanded: e.unclean.demanded, UncleanByDefault: s.uncleanByDefault,
		})
	}
	if len(decided) > 0 {
		s.electing = now
		s.commands = append(s.commands, ElectLeaders{Elections: decided})
	}
}

// pursueAll goes on with every election and reassignment, and finds out when to do so again.
func (s *Supervisor) pursueAll(now time.Time) {
	s.retryAt = time.Time{}
	s.takeHeld()
	s.pursue(now, slices.SortedFunc(maps.Values(s.elections), func(a, b *election) int {
		return partitionKey{a.topic.ID, a.partition}.compare(partitionKey{b.topic.ID, b.partition})
	}))
	s.advanceMoves(now)
}

// ask brings the members in line with the image, and asks those that can answer
// and have not: of the in-sync set, and the candidates of an unclean election.
func (s *Supervisor) ask(now time.Time, e *election, candidates []model.NodeID) {
	p := e.state()
	for i := range e.members {
		m := &e.members[i]
		w := s.brokers[m.node]
		asked := i < len(p.ISR) && mayLead(s.image, p, m.node) || slices.Contains(candidates, m.node)
		if w == nil || w.fenced || !asked || m.epoch != w.epoch {
			if m.node == e.leader && !e.submitted.IsZero() {
				e.submitted, s.electing = time.Time{}, time.Time{} // void
			}
			*m = member{node: m.node}
		}
		if !asked {
			continue
		}
		m.epoch, m.leaving = w.epoch, w.leaving || p.Replaced() && slices.Contains(p.Removing, m.node)
		if m.answered {
			continue
		}
		if s.due(now, m.asked) {
			m.asked = now
			s.questions[m.node] = append(s.questions[m.node], QuestionItem{Topic: e.topic.ID, Partition: e.partition, LeaderEpoch: e.epoch})
		}
		s.retryBy(m.asked.Add(s.timing.Retry))
	}
}

func (s *Supervisor) retryBy(at time.Time) { s.retryAt = earliest(s.retryAt, at) }

// answerPatience is how long the answers of all who can give one are waited for, where
// some of them are enough: among equals the first in the set's order is to be elected,
// not the first to answer.
const answerPatience = 30 * time.Millisecond

// firstPatience is how long the answer of a first replica is waited for that somebody has
// asked for: without it the leader that there was would likely be elected again.
const firstPatience = 100 * time.Millisecond

// choose is the member to elect; nil where that cannot be told yet.
//
// Any so many answers will do as are needed for one of them to have every
// committed record. So a broker that leaves is passed over where the others'
// answers alone are enough; and where they may become enough, it is for a moment
// that they are waited for.
func (s *Supervisor) choose(now time.Time, e *election) *member {
	need := s.answersNeeded(e)
	var answered, staying []*member
	canAnswer, canStay := 0, 0
	for i := range e.inSync() {
		m := &e.members[i]
		if !mayLead(s.image, e.state(), m.node) {
			continue // what a lost one says counts in an unclean election only
		}
		canAnswer++
		if !m.leaving {
			canStay++
		}
		if !m.answered {
			continue
		}
		answered = append(answered, m)
		if !m.leaving {
			staying = append(staying, m)
		}
	}
	patience := answerPatience
	if s.firstMissing(e) {
		patience = firstPatience
	}
	if patient := e.opened.Add(patience); len(answered) < canAnswer && now.Before(patient) {
		s.retryBy(patient)
		return nil
	}
	if first := s.first(e, staying); first != nil {
		return first
	}
	switch {
	case len(staying) >= need:
		return best(staying)
	case len(answered) < need:
		return nil
	}
	winner := best(answered)
	if winner.leaving && canStay >= need && now.Before(e.opened.Add(s.timing.Retry)) {
		return nil // the others have been asked: their answers, or the retry, come back here
	}
	return winner
}

// firstMissing: the first replica is preferred, can answer, and has not.
func (s *Supervisor) firstMissing(e *election) bool {
	p := e.state()
	return p.PreferFirst && slices.ContainsFunc(e.inSync(), func(m member) bool {
		return m.node == p.Replicas[0] && !m.answered && mayLead(s.image, p, m.node)
	})
}

// first is the member to elect where the first replica is preferred, and holds what may be
// committed: so few hold more, or may, that they are no majority. What they hold beyond
// it is lost, as at any election that somebody asks for.
func (s *Supervisor) first(e *election, staying []*member) *member {
	p := e.state()
	i := slices.IndexFunc(staying, func(m *member) bool { return m.node == p.Replicas[0] })
	if !p.PreferFirst || i < 0 {
		return nil
	}
	first, more := staying[i], 0
	for k := range e.inSync() {
		m := &e.members[k]
		if m.node != first.node && (!m.answered || better(&m.answer, &first.answer) > 0) {
			more++
		}
	}
	if more >= isr.Majority(len(e.inSync())) && !plant.On(plant.FirstElectedRegardless) {
		return nil
	}
	return first
}

func (s *Supervisor) answersNeeded(e *election) int {
	n := len(e.inSync())
	if plant.On(plant.OneAnswerElects) {
		return 1
	}
	if plant.On(plant.MinInsyncInElection) {
		minInsync, _ := MinInsync(s.image, e.topic)
		return max(1, n-isr.CommitQuorum(n, minInsync)+1)
	}
	return isr.ElectionAnswers(n)
}

// MinInsync is a topic's min.insync.replicas, as far as the image says: what brokers
// have set in files of their own is not in it.
func MinInsync(image *meta.Image, t *meta.Topic) (int, error) {
	values, err := settings.Layers{
		Topic:             image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: t.Name}),
		BrokerDefault:     image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
		ReplicationFactor: len(t.Partitions[0].Target()),
	}.TopicValues()
	return values.MinInsyncReplicas, err
}

// best is the greatest of answers in ISR order: among equals who stays before who
// leaves, then the first.
func best(answered []*member) *member {
	winner := answered[0]
	if plant.On(plant.FirstInISRElected) {
		return winner
	}
	for _, m := range answered[1:] {
		order := better(&m.answer, &winner.answer)
		if order > 0 || order == 0 && winner.leaving && !m.leaving {
			winner = m
		}
	}
	return winner
}

// better compares what two replicas hold: first the last epoch in which they were
// normal, then how far their logs reach. The epoch of the last record would not
// do: a leader may commit records of older epochs, which a longer log of an epoch
// in between can lack (Raft's figure 8).
func better(a, b *AnswerItem) int {
	if plant.On(plant.LastRecordEpochCompared) {
		return cmp.Or(cmp.Compare(a.LastEpoch, b.LastEpoch), cmp.Compare(a.LogEnd, b.LogEnd))
	}
	return cmp.Or(cmp.Compare(a.NormalEpoch, b.NormalEpoch), cmp.Compare(a.LogEnd, b.LogEnd))
}

// electsAHeir reports whether an election is under way that a leaving node may
// have to answer in, and that can end with another leader.
func (s *Supervisor) electsAHeir(node model.NodeID) bool {
	for _, e := range s.elections {
		p := e.state()
		if !slices.Contains(p.ISR, node) || slices.Contains(p.Lost, node) || !hasHeir(s.image, p, node) {
			continue
		}
		able := 0
		for _, n := range p.ISR {
			if mayLead(s.image, p, n) {
				able++
			}
		}
		if able >= s.answersNeeded(e) {
			return true
		}
	}
	return false
}
