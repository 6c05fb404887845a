package metrics

import (
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// cluster is what the metadata says of all brokers and topics.
type cluster struct {
	known   bool
	applied uint64 // index in the metadata log

	topics, partitions           int
	offline                      int // partitions without a leader
	notPreferred                 int // partitions that the first of their replicas does not lead
	activeBrokers, fencedBrokers int
	state                        brokerState
}

// brokerState is Kafka's number for what a broker is doing.
type brokerState int

const (
	brokerStarting brokerState = 1 // not registered yet
	brokerRecovery brokerState = 2 // registered, and fenced
	brokerRunning  brokerState = 3
	brokerLeaving  brokerState = 6 // in a controlled shutdown
)

func clusterOf(image *meta.Image, node model.NodeID, incarnation model.Incarnation) cluster {
	c := cluster{state: brokerStarting}
	if image == nil {
		return c
	}
	c.known, c.applied, c.topics = true, image.Index, image.Topics.Len()
	for topic := range image.Topics.All() {
		c.partitions += len(topic.Partitions)
		for i := range topic.Partitions {
			p := &topic.Partitions[i]
			if p.Leader == model.NoNode {
				c.offline++
			}
			if p.Leader != p.Replicas[0] {
				c.notPreferred++
			}
		}
	}
	for b := range image.Brokers.All() {
		if b.Fenced {
			c.fencedBrokers++
		} else {
			c.activeBrokers++
		}
	}
	if self := image.Brokers.ByID(node); self != nil && self.Incarnation == incarnation {
		c.state = stateOf(self)
	}
	return c
}

func stateOf(b *meta.Broker) brokerState {
	switch {
	case b.Leaving:
		return brokerLeaving
	case b.Fenced:
		return brokerRecovery
	default:
		return brokerRunning
	}
}
