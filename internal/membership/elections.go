package membership

import (
	"context"
	"sync"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
)

// Partitions finds the partitions that this node holds.
type Partitions interface {
	// Find is nil where there is none.
	Find(topic model.TopicID, number model.Partition) *partition.Partition
}

// answers gathers what partitions answer to elections: what is ready at one moment is
// one message.
type answers struct {
	wake chan struct{} // capacity 1
	mu   *answersState
}

type answersState struct {
	sync.Mutex
	asker model.NodeID // the controller that has asked last
	items []controller.AnswerItem
}

func newAnswers() answers {
	return answers{wake: make(chan struct{}, 1), mu: &answersState{asker: model.NoNode}}
}

func (a answers) run(ctx context.Context, send func(asker model.NodeID, items []controller.AnswerItem)) {
	for {
		select {
		case <-a.wake:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		asker, items := a.mu.asker, a.mu.items
		a.mu.items = nil
		a.mu.Unlock()
		if len(items) > 0 {
			send(asker, items)
		}
	}
}

func (a answers) notify() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Ask has the partitions answer an election's questions of a controller.
func (m *Member) Ask(from model.NodeID, q controller.Question) {
	m.mu.Lock()
	own := m.mu.epoch
	m.mu.Unlock()
	if q.BrokerEpoch != own {
		return // an earlier run is asked, or this one does not know yet that it is registered
	}
	m.answers.mu.Lock()
	m.answers.mu.asker = from
	m.answers.mu.Unlock()
	for _, item := range q.Items {
		if p := m.o.Partitions.Find(item.Topic, item.Partition); p != nil {
			p.Ask(item.LeaderEpoch)
		}
	}
}

// Asked is Ask as it arrives.
func (m *Member) Asked(from model.NodeID, body []byte) error {
	q, err := decode[controller.Question](body)
	if err == nil {
		m.Ask(from, q)
	}
	return err
}

// Answered is an answer as it arrives at the controller.
func (m *Member) Answered(from model.NodeID, body []byte) error {
	a, err := decode[controller.Answer](body)
	if err == nil && a.Node == from {
		m.o.Office.Answer(a)
	}
	return err
}

// Answer implements partition.Controller.
func (m *Member) Answer(topic model.TopicID, number model.Partition, a replica.Answer) {
	m.answers.mu.Lock()
	m.answers.mu.items = append(m.answers.mu.items, controller.AnswerItem{
		Topic: topic, Partition: number, LeaderEpoch: a.LeaderEpoch,
		NormalEpoch: a.NormalEpoch, LogEnd: a.End, HighWatermark: a.HighWatermark, LastEpoch: a.LastEpoch,
	})
	m.answers.mu.Unlock()
	m.answers.notify()
}

func (m *Member) sendAnswers(asker model.NodeID, items []controller.AnswerItem) {
	m.mu.Lock()
	a := controller.Answer{Node: m.o.Node, BrokerEpoch: m.mu.epoch, Items: items}
	m.mu.Unlock()
	if asker == m.o.Node {
		m.o.Office.Answer(a)
		return
	}
	m.o.Network.Send(asker, KindAnswer, encode(a))
}
