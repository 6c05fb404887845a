package controller

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
	"github.com/chronik/chronik/internal/wire"
)

// AlterReassignments gives partitions other replicas, each by itself (KIP-455):
//
//	replicas  [1 2 3]     [4 2 1 3], 4 comes, 1 and 3 go         [4 2]
//	in sync   {1 2 3}     {1 2 3}, then {1 2 3 4}, then {2 4}
//
// The new ones are replicas at once, and join the in-sync set by the rules for all. When
// they have, the leader takes those that go out of it, by the rules for all, and then
// they are replicas no more (AdvanceReassignments). A leader that goes hands over before.
// At no time are fewer copies in sync than before.
type AlterReassignments struct {
	Partitions []Reassign
	// FixedFactor refuses to change how many replicas a partition has (KIP-860).
	FixedFactor bool
}

// Reassign says which replicas a partition shall have.
type Reassign struct {
	Topic     string
	Partition model.Partition
	// Replicas are in order of preference; nil cancels: those that were there before
	// stay, and those that were to come go.
	Replicas []model.NodeID
	// Only, where not nil, are the replicas that it has to have, in their order and none of
	// them coming or going: what was decided of an older image is not forced on a newer one.
	Only []model.NodeID `json:",omitzero"`
}

// ReassignmentsAltered has an item for each partition of the command, in its order.
type ReassignmentsAltered struct{ Partitions []Reassigned }

// Reassigned is whether a partition gets other replicas.
type Reassigned struct{ Err *wire.Error }

// Name implements Command.
func (AlterReassignments) Name() string { return "AlterReassignments" }

// since implements grown.
func (c AlterReassignments) since() model.Protocol {
	for i := range c.Partitions {
		if c.Partitions[i].Only != nil {
			return model.Protocol2
		}
	}
	return model.Protocol1
}

// before implements grown. Only the controller itself sets Only, and its commands do not
// travel; one of release 0.1 would move what somebody else has just moved.
func (c AlterReassignments) before(p model.Protocol) Command {
	if p <= model.Protocol2 {
		c.Partitions = slices.Clone(c.Partitions)
		for i := range c.Partitions {
			c.Partitions[i].Only = nil
		}
	}
	return c
}

// Decide implements Command.
func (c AlterReassignments) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	result := ReassignmentsAltered{Partitions: make([]Reassigned, len(c.Partitions))}
	decided := make(map[partitionKey]bool, len(c.Partitions))
	var records []meta.Record
	for i := range c.Partitions {
		of, err := c.reassign(image, &c.Partitions[i], decided)
		result.Partitions[i].Err = err
		records = append(records, of...)
	}
	return records, result, nil
}

func (c AlterReassignments) reassign(image *meta.Image, r *Reassign, decided map[partitionKey]bool) ([]meta.Record, *wire.Error) {
	key, found, err := PartitionName{r.Topic, r.Partition}.find(image)
	if err != nil {
		return nil, err
	}
	if decided[key] {
		return nil, wire.Errorf(kerr.InvalidRequest, "Partition %d of topic %q is named twice.", r.Partition, r.Topic)
	}
	p := *found
	if r.Only != nil && (p.Reassigning() || !slices.Equal(p.Replicas, r.Only)) {
		return nil, wire.Errorf(kerr.InvalidRequest, "Partition %d of topic %q is not on %v alone any more.", r.Partition, r.Topic, r.Only)
	}
	originals := without(p.Replicas, p.Adding)
	if plant.On(plant.SecondMoveForgets) && r.Replicas != nil {
		originals = p.Replicas
	}
	target := r.Replicas
	switch {
	case target == nil && !p.Reassigning():
		return nil, wire.Errorf(kerr.NoReassignmentInProgress, "No partition reassignment is in progress.")
	case target == nil:
		target = originals
	default:
		if err := checkTarget(image, target); err != nil {
			return nil, err
		}
		if c.FixedFactor && len(target) != len(originals) {
			return nil, wire.Errorf(kerr.InvalidReplicationFactor,
				"The replication factor is changed from %d to %d.", len(originals), len(target))
		}
	}
	if all := len(target) + len(without(p.Replicas, target)); all > meta.ReplicasMax {
		return nil, tooManyReplicas(all)
	}
	decided[key] = true
	return moveTo(image, key, p, originals, target), nil
}

// checkTarget is what replicas have to be.
func checkTarget(image *meta.Image, target []model.NodeID) *wire.Error {
	switch {
	case len(target) == 0:
		return wire.Errorf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	case len(target) > meta.ReplicasMax:
		return tooManyReplicas(len(target))
	}
	for i, n := range target {
		switch {
		case slices.Contains(target[:i], n):
			return wire.Errorf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes the broker %d more than once.", n)
		case image.Brokers.ByID(n) == nil:
			return wire.Errorf(kerr.InvalidReplicaAssignment, "The manual partition assignment includes broker %d, but no such broker is registered.", n)
		}
	}
	return nil
}

// moveTo begins to give a partition the replicas of target. Who was to come, is not in
// sync yet and is not wanted any more is dropped at once.
func moveTo(image *meta.Image, key partitionKey, p meta.Partition, originals, target []model.NodeID) []meta.Record {
	next := p
	next.Adding = without(target, originals)
	next.Removing = nil
	for _, n := range without(p.Replicas, target) {
		original := slices.Contains(originals, n)
		if original || slices.Contains(p.ISR, n) {
			next.Removing = append(next.Removing, n)
			if !original { // or the next cancellation would take it for one
				next.Adding = append(next.Adding, n)
			}
		}
	}
	next.Replicas = slices.Concat(target, next.Removing)
	change := &meta.ReplicasChangeRecord{
		Topic: key.topic, Index: key.partition, Replicas: next.Replicas, Adding: next.Adding, Removing: next.Removing,
	}
	return append([]meta.Record{change}, advance(image, key, &next, len(without(p.Replicas, next.Replicas)) > 0)...)
}

// without are the nodes that are not among others, in their order.
func without(nodes, others []model.NodeID) []model.NodeID {
	return inOrder(nodes, func(n model.NodeID) bool { return !slices.Contains(others, n) })
}

// AdvanceReassignments takes the next steps of reassignments that wait for nothing: a
// leader that goes hands over, and who has left the in-sync set is no replica any more.
// What the image does not call for it leaves alone.
type AdvanceReassignments struct{ Partitions []PartitionRef }

// PartitionRef names a partition.
type PartitionRef struct {
	Topic     model.TopicID
	Partition model.Partition
}

// ReassignmentsAdvanced is the result of AdvanceReassignments. The image has the rest.
type ReassignmentsAdvanced struct{}

// Name implements Command.
func (AdvanceReassignments) Name() string { return "AdvanceReassignments" }

// Decide implements Command.
func (c AdvanceReassignments) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	decided := make(map[partitionKey]bool, len(c.Partitions))
	var records []meta.Record
	for _, r := range c.Partitions {
		key := partitionKey{r.Topic, r.Partition}
		p := findPartition(image, key)
		if p == nil || decided[key] {
			continue
		}
		decided[key] = true
		records = append(records, advance(image, key, p, false)...)
	}
	return records, ReassignmentsAdvanced{}, nil
}

// movesOn reports whether a partition's reassignment has a step to take.
func movesOn(image *meta.Image, p *meta.Partition) bool {
	return p.Reassigning() && (moved(p) || handsOver(image, p))
}

// moved: those that come are in sync, and those that go are not.
func moved(p *meta.Partition) bool {
	come := len(without(p.Coming(), p.ISR)) == 0 || plant.On(plant.DropBeforeCaughtUp)
	return come && len(without(p.Removing, p.ISR)) == len(p.Removing)
}

// handsOver: the leader is the last of those that go, and those that stay and are there
// are enough to elect one of them.
func handsOver(image *meta.Image, p *meta.Partition) bool {
	if !slices.Contains(p.Removing, p.Leader) || !p.Replaced() || len(without(p.Removing, p.ISR)) != len(p.Removing)-1 {
		return false
	}
	heirs := inOrder(p.ISR, func(n model.NodeID) bool {
		return n != p.Leader && mayLead(image, p, n) && !image.Brokers.ByID(n).Leaving
	})
	return len(heirs) >= isr.ElectionAnswers(len(p.ISR))
}

// advance are the records of the next step, after others that have dropped replicas or not.
//
// Where a replica is dropped the leader goes on in a new epoch: what the dropped one has
// said it holds, and is still under way, is void. It may become a replica again, with
// nothing on its disk.
func advance(image *meta.Image, key partitionKey, p *meta.Partition, dropped bool) []meta.Record {
	elect := &meta.PartitionChangeRecord{Topic: key.topic, Index: key.partition, Elect: true, Leader: p.Leader}
	var records []meta.Record
	switch {
	case !p.Reassigning():
	case moved(p):
		records = append(records, &meta.ReplicasChangeRecord{Topic: key.topic, Index: key.partition, Replicas: p.Target()})
		dropped = dropped || len(p.Removing) > 0
	case handsOver(image, p):
		elect.Leader, elect.PreferFirst = model.NoNode, true
		return append(records, elect)
	}
	if dropped && p.Leader != model.NoNode && !plant.On(plant.EpochKeptOnRemoval) {
		records = append(records, elect)
	}
	return records
}
