package balance

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/chronik/chronik/internal/model"
)

// Cluster is what a plan is made of.
type Cluster struct {
	Brokers    []Broker
	Partitions []Partition
}

// Broker is one that replicas may be on.
type Broker struct {
	ID   model.NodeID
	Rack string // "" where it has none
	// Alive: it may be given replicas and lead. What is on one that is not stays there, for
	// when it is back.
	Alive bool
	// Empty: it is to have nothing.
	Empty bool
	// RoomBytes is how much more it may store; negative where that is not known.
	RoomBytes int64
}

// Partition is what is known of one.
type Partition struct {
	Name model.TopicPartition
	// Replicas are in order of preference; the first is to lead. They may name brokers
	// that the Cluster does not list, which count as down.
	Replicas []model.NodeID
	Leader   model.NodeID // or model.NoNode
	Bytes    int64        // of one replica
	// In is what is written, to each replica, and Out what consumers read of the leader, in
	// bytes a second; 0 where that is not known.
	In, Out int64
	// Fixed: it stays as it is, and counts.
	Fixed bool

	// What a Keeper looks at besides. Missing is how many replicas are not in sync, and
	// Moving that the partition is being reassigned; Replicas are those it will have.
	Missing int
	Moving  bool
}

// Options say how even is even enough.
type Options struct {
	// Tolerance is how far from even a broker may be, as a share of even.
	Tolerance float64
	// BytesSlack and RateSlack are how far off bytes, and bytes a second, may be whatever
	// their share is: what is small is not worth a move.
	BytesSlack, RateSlack int64
}

// DefaultOptions are those of the command and of the balancer.
func DefaultOptions() Options {
	return Options{Tolerance: 0.1, BytesSlack: 64 << 20, RateSlack: 64 << 10}
}

// sorted are the brokers by id, with those that only partitions know, as brokers that are
// down and share a rack with nobody.
func (c *Cluster) sorted() []Broker {
	brokers := slices.SortedFunc(slices.Values(c.Brokers), func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	known := make(map[model.NodeID]bool, len(brokers))
	for _, b := range brokers {
		known[b.ID] = true
	}
	for i := range c.Partitions {
		for _, n := range c.Partitions[i].Replicas {
			if !known[n] {
				known[n] = true
				brokers = append(brokers, Broker{ID: n, Rack: unknownRack + strconv.Itoa(int(n)), RoomBytes: -1})
			}
		}
	}
	slices.SortFunc(brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	return brokers
}

// unknownRack begins the racks of brokers of which nothing is known; no text has a zero byte.
const unknownRack = "\x00"
