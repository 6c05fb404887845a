package throttle

import (
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// beginMax is how long a move may take to show up in the metadata: its pace is known before,
// and is forgotten where it never begins.
const beginMax = 30 * time.Second

// Paced is what the controller tells nodes while it moves partitions to even the cluster out:
// each leader sends what these moves copy at the rate, altogether.
type Paced struct {
	BytesPerSecond int64  `json:"bytesPerSecond"`
	Copies         []Copy `json:"copies"`
}

// Copy is a partition that gets replicas.
type Copy struct {
	Topic     string          `json:"topic"`
	Partition model.Partition `json:"partition"`
	To        []model.NodeID  `json:"to"` // those that have none yet
}

// Equal reports whether two are the same.
func (c Copy) Equal(o Copy) bool {
	return c.Topic == o.Topic && c.Partition == o.Partition && slices.Equal(c.To, o.To)
}

// Moves are those that have a pace. Each keeps it until it has ended, whoever is the
// controller then. The zero value has none.
type Moves map[model.TopicPartition]*move

type move struct {
	to    []model.NodeID
	begun bool      // it has been in the metadata
	until time.Time // where it has not: when it is given up
}

// expired reports whether the move was given up.
func (m *move) expired(now time.Time) bool { return !m.begun && now.After(m.until) }

// Set takes others. One that is told of again is given up later.
func (m *Moves) Set(copies []Copy, now time.Time) {
	before := *m
	*m = make(Moves, len(copies))
	for _, c := range copies {
		name := model.TopicPartition{Topic: c.Topic, Partition: c.Partition}
		known := before[name]
		if known == nil || !slices.Equal(known.to, c.To) {
			known = &move{to: c.To}
		}
		known.until = now.Add(beginMax)
		(*m)[name] = known
	}
}

// Follow forgets those that have ended: somebody else's move of the same partition has no
// pace.
func (m Moves) Follow(image *meta.Image, now time.Time) {
	maps.DeleteFunc(m, func(name model.TopicPartition, known *move) bool {
		switch {
		case known.expired(now): // what comes now is somebody else's
			return true
		case comes(image, name, known.to):
			known.begun = true
			return false
		default:
			return known.begun
		}
	})
}

// comes reports whether a reassignment adds one of the nodes.
func comes(image *meta.Image, name model.TopicPartition, nodes []model.NodeID) bool {
	topic := image.Topics.ByName(name.Topic)
	if topic == nil || name.Partition < 0 || int(name.Partition) >= len(topic.Partitions) {
		return false
	}
	adding := topic.Partitions[name.Partition].Adding
	return slices.ContainsFunc(nodes, func(n model.NodeID) bool { return slices.Contains(adding, n) })
}

// Has reports whether what a partition's leader sends to a follower has a pace.
func (m Moves) Has(name model.TopicPartition, follower model.NodeID, now time.Time) bool {
	known := m[name]
	return known != nil && !known.expired(now) && slices.Contains(known.to, follower)
}
