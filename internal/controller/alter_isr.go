package controller

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// AlterISR carries a leader's proposals to change in-sync sets, of many
// partitions at once.
//
// The answer is the image, and nothing else: a leader holds on to a proposal, and
// counts commits by both sets, until it has applied an image in which the
// partition's epoch is greater than the proposal's. Then the proposal is decided,
// one way or the other, and the image says which. This is right because
//
//  1. a change that names the image's leader, leader epoch and partition epoch
//     always yields a record: the new set, or a bare one that only counts the
//     partition epoch up, where the set cannot be taken;
//  2. any record of a partition counts its partition epoch up; and so
//  3. of all the copies of all the proposals that name one partition epoch, at
//     most one is decided, and whoever sees a greater epoch knows that no other
//     will ever be: a copy that is still under way finds itself overtaken.
//
// Without the bare record, a proposal that is refused today (a joining member is
// fenced) could be accepted tomorrow, from an older copy, after the leader had
// given it up and gone back to counting by the old set alone.
type AlterISR struct {
	Node        model.NodeID
	BrokerEpoch model.BrokerEpoch
	Changes     []ISRChange
}

// ISRChange is what a partition's leader proposes.
type ISRChange struct {
	Topic     model.TopicID
	Partition model.Partition
	// LeaderEpoch and PartitionEpoch are those of the state that it was decided on.
	LeaderEpoch    model.LeaderEpoch
	PartitionEpoch model.PartitionEpoch
	ISR            []ISRMember    // in any order
	Lost           []model.NodeID // those that stay lost, in any order
}

// ISRMember is a proposed member, with its registration as the leader knows it
// from the member's stream. It counts of those that join only: the others'
// registrations have marked them lost where they had to (KIP-903).
type ISRMember struct {
	Node        model.NodeID
	BrokerEpoch model.BrokerEpoch
}

// ISRsAltered is the result of AlterISR. The image has the answer.
type ISRsAltered struct{}

// Name implements Command.
func (AlterISR) Name() string { return "AlterISR" }

// Decide implements Command.
func (c AlterISR) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	b := image.Brokers.ByID(c.Node)
	if b == nil || b.Epoch != c.BrokerEpoch {
		return nil, ISRsAltered{}, nil // its registration has voided what it led
	}
	var records []meta.Record
	decided := make(map[partitionKey]bool, len(c.Changes))
	for i := range c.Changes {
		change := &c.Changes[i]
		key := partitionKey{change.Topic, change.Partition}
		p := findPartition(image, key)
		if p == nil || decided[key] || change.overtaken(p, c.Node) {
			continue
		}
		decided[key] = true
		record := &meta.PartitionChangeRecord{Topic: change.Topic, Index: change.Partition}
		if change.fits(image, p) {
			record.SetLost = true
			record.ISR, record.Lost = change.sets(p)
		}
		records = append(records, record)
	}
	return records, ISRsAltered{}, nil
}

// partitionKey names a partition by its topic's identity.
type partitionKey struct {
	topic     model.TopicID
	partition model.Partition
}

// compare orders by topic, and then by number.
func (k partitionKey) compare(l partitionKey) int {
	return cmp.Or(bytes.Compare(k.topic[:], l.topic[:]), cmp.Compare(k.partition, l.partition))
}

// findPartition is nil where there is no such partition.
func findPartition(image *meta.Image, key partitionKey) *meta.Partition {
	t := image.Topics.ByID(key.topic)
	if t == nil || key.partition < 0 || int(key.partition) >= len(t.Partitions) {
		return nil
	}
	return &t.Partitions[key.partition]
}

// overtaken reports whether something else has happened to the partition since
// the leader proposed, or node never led it.
func (c *ISRChange) overtaken(p *meta.Partition, node model.NodeID) bool {
	if plant.On(plant.PartitionEpochIgnored) {
		return p.Leader != node || p.LeaderEpoch != c.LeaderEpoch
	}
	return p.Leader != node || p.LeaderEpoch != c.LeaderEpoch || p.PartitionEpoch != c.PartitionEpoch
}

// fits reports whether the proposed sets can be taken.
func (c *ISRChange) fits(image *meta.Image, p *meta.Partition) bool {
	leads := false
	for i, m := range c.ISR {
		twice := slices.ContainsFunc(c.ISR[:i], func(o ISRMember) bool { return o.Node == m.Node })
		if twice || !slices.Contains(p.Replicas, m.Node) {
			return false
		}
		trusted := slices.Contains(p.ISR, m.Node) && !slices.Contains(p.Lost, m.Node)
		if joins := !trusted && !slices.Contains(c.Lost, m.Node); joins && !m.mayJoin(image) {
			return false
		}
		leads = leads || m.Node == p.Leader
	}
	for _, n := range c.Lost {
		if !slices.Contains(p.Lost, n) {
			return false
		}
	}
	return leads
}

// mayJoin reports whether a member's registration is the one that the leader has
// dealt with: a newer run may have come back with an empty disk. And it has to
// stay for a while.
func (m ISRMember) mayJoin(image *meta.Image) bool {
	b := image.Brokers.ByID(m.Node)
	if plant.On(plant.StaleIncarnationJoins) {
		return b != nil && !b.Fenced && !b.Leaving
	}
	return b != nil && b.Epoch == m.BrokerEpoch && !b.Fenced && !b.Leaving
}

// sets are the proposed in-sync set and the lost of it, in the order of Replicas.
func (c *ISRChange) sets(p *meta.Partition) (isr, lost []model.NodeID) {
	for _, n := range p.Replicas {
		if !slices.ContainsFunc(c.ISR, func(m ISRMember) bool { return m.Node == n }) {
			continue
		}
		isr = append(isr, n)
		if slices.Contains(c.Lost, n) {
			lost = append(lost, n)
		}
	}
	return isr, lost
}
