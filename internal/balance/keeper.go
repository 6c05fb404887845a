package balance

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
)

const (
	// surveysMin is how many surveys in a row have to find a cluster uneven before
	// anything moves: what has just grown may shrink again.
	surveysMin = 2
	// startFactor is how much further from even than the tolerance a cluster has to be
	// before anything moves: one that was evened to the tolerance is not at its edge.
	startFactor = 2
	// planMax bounds how many moves are made of one survey: the next knows more.
	planMax = 200
	// copiesMax is how many partitions are copied at a time.
	copiesMax = 4
	// electionsMax bounds the elections after a move: one may end with another leader, where
	// the first replica has not answered in time.
	electionsMax = 5
	// restFor is how many surveys a partition that was moved stays where it is.
	restFor = 12
)

// Keeper keeps a cluster even: the active controller has one. It is a pure state machine:
// Survey and Follow are told how things are, and say what is to be done. What it knows
// beyond that is what it has begun itself, and what has been uneven for how long: the next
// controller's starts over, with what is under way as somebody's it does not know, and waits
// for that.
//
// It begins nothing unless every broker is up and every partition's replicas are in sync,
// and nobody else moves anything. It is not safe for concurrent use.
type Keeper struct {
	interval time.Duration
	pace     *Pace
	uneven   int  // surveys in a row that have found it
	active   bool // on the way to the tolerance
	waiting  []Move
	underWay map[model.TopicPartition]Move
	rests    map[model.TopicPartition]time.Time // until then
	// elections is how many a move has had whose replicas are there.
	elections map[model.TopicPartition]int
	waitsFor  string
}

// Decision is what is to be done now, and what people may want to know.
type Decision struct {
	// Begin are to be begun, each only if the partition still has the replicas that it
	// moves from.
	Begin []Move
	// Elect are partitions whose first replicas are to lead.
	Elect []model.TopicPartition
	// Planned are moves that are going to be begun, now or later; nil: there is no new plan.
	Planned []Move
	// Waits is why nothing is begun, where that is news.
	Waits string
	// Ended: the cluster is even again, or cannot be nearer to it.
	Ended bool
	// Dropped are moves that did not come to their end.
	Dropped []Move
}

// NewKeeper is for moves of so many bytes a second on each broker (Pace), and surveys an
// interval apart.
func NewKeeper(bytesPerSecond int64, interval time.Duration) *Keeper {
	return &Keeper{interval: interval, pace: NewPace(bytesPerSecond), underWay: make(map[model.TopicPartition]Move), rests: make(map[model.TopicPartition]time.Time),
		elections: make(map[model.TopicPartition]int)}
}

// Busy reports whether Follow has something to do soon.
func (k *Keeper) Busy() bool { return len(k.waiting)+len(k.underWay) > 0 }

// UnderWay are the moves that have been begun, and have not ended, in no particular order.
func (k *Keeper) UnderWay() []Move { return slices.Collect(maps.Values(k.underWay)) }

// Survey is told of a cluster with loads that are new.
func (k *Keeper) Survey(now time.Time, c *Cluster) Decision {
	d := k.Follow(now, c)
	if k.Busy() || k.waitsFor != "" {
		return d
	}
	calm := k.resting(now, c)
	if !k.active {
		start := DefaultOptions()
		start.Tolerance *= startFactor
		start.BytesSlack *= startFactor
		start.RateSlack *= startFactor
		if len(changes(calm, start)) == 0 {
			k.uneven = 0
			return d
		}
		if k.uneven++; k.uneven < surveysMin {
			return d
		}
	}
	k.active, k.uneven = true, 0
	k.waiting = changes(calm, DefaultOptions())
	if len(k.waiting) == 0 {
		k.active, d.Ended = false, true
		return d
	}
	k.waiting = k.waiting[:min(len(k.waiting), planMax)]
	d.Planned = slices.Clone(k.waiting)
	k.begin(now, places(c), &d)
	return d
}

// changes are the moves of a plan but for elections alone: who has had another broker
// lead may want that (auto.leader.rebalance.enable).
func changes(c *Cluster, o Options) []Move {
	return slices.DeleteFunc(Propose(c, o).Moves, func(m Move) bool { return slices.Equal(m.From, m.To) })
}

// resting is the cluster without what was moved lately: traffic comes and goes, and a
// partition must not follow it to and fro.
func (k *Keeper) resting(now time.Time, c *Cluster) *Cluster {
	calm := &Cluster{Brokers: c.Brokers, Partitions: slices.Clone(c.Partitions)}
	for i := range calm.Partitions {
		p := &calm.Partitions[i]
		until, ok := k.rests[p.Name]
		p.Fixed = p.Fixed || ok && now.Before(until)
	}
	for name, until := range k.rests {
		if !now.Before(until) {
			delete(k.rests, name)
		}
	}
	return calm
}

// Follow is told of a cluster, whose loads may be old, while there are moves.
func (k *Keeper) Follow(now time.Time, c *Cluster) Decision {
	var d Decision
	at := places(c)
	k.follow(now, at, &d)
	why := k.trouble(c)
	if why != "" {
		if len(k.waiting) > 0 || why != k.waitsFor {
			d.Waits = why
		}
		k.waitsFor, k.waiting, k.uneven = why, nil, 0
		return d
	}
	k.waitsFor = ""
	k.begin(now, at, &d)
	return d
}

func places(c *Cluster) map[model.TopicPartition]*Partition {
	at := make(map[model.TopicPartition]*Partition, len(c.Partitions))
	for i := range c.Partitions {
		at[c.Partitions[i].Name] = &c.Partitions[i]
	}
	return at
}

// follow looks which moves have ended.
func (k *Keeper) follow(now time.Time, at map[model.TopicPartition]*Partition, d *Decision) {
	for name, m := range k.underWay {
		p := at[name]
		switch {
		case p == nil || !p.Moving && !slices.Equal(p.Replicas, m.To):
			d.Dropped = append(d.Dropped, m)
		case p.Moving:
			continue
		case m.Elect && p.Leader != m.To[0] && k.elections[name] < electionsMax:
			if p.Leader != model.NoNode { // else one is under way
				k.elections[name]++
				d.Elect = append(d.Elect, name)
			}
			continue
		}
		delete(k.underWay, name)
		delete(k.elections, name)
		k.rests[name] = now.Add(restFor * k.interval)
	}
	slices.SortFunc(d.Dropped, func(a, b Move) int { return compareNames(a.Partition, b.Partition) })
	slices.SortFunc(d.Elect, compareNames)
}

// trouble is why nothing is to be begun.
func (k *Keeper) trouble(c *Cluster) string {
	for i := range c.Brokers {
		if b := &c.Brokers[i]; !b.Alive {
			return fmt.Sprintf("broker %d is down", b.ID)
		}
	}
	for i := range c.Partitions {
		p := &c.Partitions[i]
		_, own := k.underWay[p.Name]
		switch {
		case own && (p.Moving || p.Leader == model.NoNode):
		case p.Moving:
			return fmt.Sprintf("%s is being reassigned", p.Name)
		case p.Leader == model.NoNode:
			return fmt.Sprintf("%s has no leader", p.Name)
		case p.Missing > 0:
			return fmt.Sprintf("%d replicas of %s are not in sync", p.Missing, p.Name)
		}
	}
	return ""
}

// begin begins the next moves. One whose partition is not where it was, or is gone, is not
// wanted any more.
func (k *Keeper) begin(now time.Time, at map[model.TopicPartition]*Partition, d *Decision) {
	copies := 0
	for name := range k.underWay {
		if m := k.underWay[name]; m.Bytes > 0 {
			copies++
		}
	}
	k.waiting = slices.DeleteFunc(k.waiting, func(m Move) bool {
		p := at[m.Partition]
		if p == nil || !slices.Equal(p.Replicas, m.From) {
			return true
		}
		if m.Bytes > 0 && copies >= copiesMax || !k.pace.Begin(now, &m, p.Leader) {
			return false
		}
		if m.Bytes > 0 {
			copies++
		}
		k.underWay[m.Partition] = m
		d.Begin = append(d.Begin, m)
		return true
	})
}
