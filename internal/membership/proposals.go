package membership

import (
	"context"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// proposalMax is how long one command with proposals is waited for. What is not
// decided by then the leaders propose again.
const proposalMax = 2 * time.Second

// proposals gathers changes of in-sync sets: what comes while a command is under way
// is the next one.
type proposals struct {
	wake chan struct{} // capacity 1
	mu   *proposalsState
}

type proposalsState struct {
	sync.Mutex
	changes map[partitionOf]controller.ISRChange // of a partition the newest
}

func newProposals() proposals {
	return proposals{wake: make(chan struct{}, 1), mu: &proposalsState{changes: make(map[partitionOf]controller.ISRChange)}}
}

func (p proposals) run(ctx context.Context, submit func(context.Context, []controller.ISRChange)) {
	for {
		select {
		case <-p.wake:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		changes := make([]controller.ISRChange, 0, len(p.mu.changes))
		for _, c := range p.mu.changes {
			changes = append(changes, c)
		}
		clear(p.mu.changes)
		p.mu.Unlock()
		if len(changes) > 0 {
			submit(ctx, changes)
		}
	}
}

// Propose implements partition.Controller.
func (m *Member) Propose(topic model.TopicID, number model.Partition, change replica.Change) {
	c := controller.ISRChange{
		Topic: topic, Partition: number, LeaderEpoch: change.LeaderEpoch, PartitionEpoch: change.PartitionEpoch, Lost: change.Lost,
	}
	for _, member := range change.ISR {
		c.ISR = append(c.ISR, controller.ISRMember{Node: member.Node, BrokerEpoch: member.BrokerEpoch})
	}
	m.proposals.mu.Lock()
	m.proposals.mu.changes[partitionOf{topic, number}] = c
	m.proposals.mu.Unlock()
	select {
	case m.proposals.wake <- struct{}{}:
	default:
	}
}

func (m *Member) submitProposals(ctx context.Context, changes []controller.ISRChange) {
	ctx, cancel := context.WithTimeout(ctx, proposalMax)
	defer cancel()
	m.mu.Lock()
	command := controller.AlterISR{Node: m.o.Node, BrokerEpoch: m.mu.epoch, Changes: changes}
	m.mu.Unlock()
	if _, err := m.o.Router.Submit(ctx, command); err != nil {
		m.o.Logger.Debug("a change of in-sync sets was not decided; the leader proposes it again", "error", err)
	}
}
