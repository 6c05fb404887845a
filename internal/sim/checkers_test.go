package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
)

// batchAt is a batch of one record of producer 7.
func batchAt(base model.Offset, e model.LeaderEpoch, sequence model.Sequence) record.Batch {
	b := record.NewBuilder(record.BuildOptions{
		BaseOffset: base, LeaderEpoch: e, Producer: &record.Producer{ID: 7, BaseSequence: sequence},
	})
	b.Append(1, nil, []byte("v"))
	return b.Build()
}

// logWith is a synced log of batches.
func logWith(batches ...record.Batch) *partitionLog {
	l := newPartitionLog()
	for _, b := range batches {
		l.appendFollower(b)
	}
	l.synced = l.EndOffset()
	return l
}

// judged is a cluster of three nodes without processes; two batches of epoch 1 are
// committed in its only partition.
func judged() *checkers {
	c := newCluster(&world{rng: rand.New(rand.NewPCG(1, 1))}, &plan{nodes: 3, voters: 3, partitions: 1, factor: 3, minInsync: 1})
	l := &c.checkers.partitions[0].ledger
	l.batches = []record.Batch{batchAt(0, 1, 0), batchAt(1, 1, 1)}
	l.epochs = []model.LeaderEpoch{1, 1}
	return c.checkers
}

// leading is a process on node 0 that leads in epoch 1, with disks that hold so much.
func leading(k *checkers, synced ...model.Offset) *process {
	p := &process{node: k.c.nodes[0], c: k.c, w: k.c.w}
	for i, end := range synced {
		d := k.c.nodes[i].disk
		d.logs[0] = logWith(batchAt(0, 1, 0), batchAt(1, 1, 1))
		d.logs[0].synced, d.normal[0] = end, 1
	}
	m := replica.New(replica.Options{Node: 0, Log: k.c.nodes[0].disk.logs[0], LagMax: time.Second})
	m.Apply(replica.View{Leader: 0, LeaderEpoch: 1, MinInsync: 1, Members: []replica.Member{
		{Node: 0, InSync: true}, {Node: 1, InSync: true}, {Node: 2, InSync: true},
	}}, k.c.w.clock())
	p.replicas = []*host{{machine: m}}
	return p
}

type example struct {
	name      string
	good, bad func(*checkers, *partitionChecks)
}

func logExamples() []example {
	one, two := batchAt(0, 1, 0), batchAt(1, 1, 1)
	other := batchAt(1, 2, 9)
	return []example{
		{
			"SingleLeaderPerEpoch",
			func(k *checkers, pc *partitionChecks) {
				pc.SingleLeader.check(k, 0, 1, 5)
				pc.SingleLeader.check(k, 0, 1, 5)
				pc.SingleLeader.check(k, 0, 2, 6)
			},
			func(k *checkers, pc *partitionChecks) {
				pc.SingleLeader.check(k, 0, 1, 5)
				pc.SingleLeader.check(k, 0, 2, 5)
			},
		},
		{
			"MonotonicHighWatermark",
			func(k *checkers, pc *partitionChecks) {
				pc.MonotonicMark.check(k, 0, 1, 5)
				pc.MonotonicMark.check(k, 0, 2, 4)
			},
			func(k *checkers, pc *partitionChecks) {
				pc.MonotonicMark.check(k, 0, 1, 5)
				pc.MonotonicMark.check(k, 0, 1, 4)
			},
		},
		{
			"LogMatching",
			func(k *checkers, pc *partitionChecks) {
				pc.LogMatching.check(k, 1, 0, logWith(one, two), 0, 2)
				pc.LogMatching.check(k, 1, 0, logWith(one, other), 0, 1) // above the mark
			},
			func(k *checkers, pc *partitionChecks) { pc.LogMatching.check(k, 1, 0, logWith(one, other), 0, 2) },
		},
		{
			"LogMatching",
			func(k *checkers, pc *partitionChecks) { pc.LogMatching.check(k, 1, 0, logWith(one), 0, 1) },
			func(k *checkers, pc *partitionChecks) { pc.LogMatching.check(k, 1, 0, logWith(one), 0, 2) },
		},
		{
			"LeaderCompleteness",
			func(k *checkers, pc *partitionChecks) {
				pc.LeaderCompleteness.check(k, 0, 1, 2, logWith(one, two))
				pc.LeaderCompleteness.check(k, 0, 1, 1, logWith(one)) // it was committed in this epoch
			},
			func(k *checkers, pc *partitionChecks) { pc.LeaderCompleteness.check(k, 0, 1, 2, logWith(one)) },
		},
		{
			"QuorumHoldsHighWatermark",
			func(k *checkers, pc *partitionChecks) { pc.QuorumHolds.check(k, leading(k, 2, 2, 0), 0, 2) },
			func(k *checkers, pc *partitionChecks) { pc.QuorumHolds.check(k, leading(k, 2, 1, 0), 0, 2) },
		},
	}
}

func recordExamples() []example {
	one, two := batchAt(0, 1, 0), batchAt(1, 1, 1)
	other := batchAt(1, 2, 9)
	return []example{
		{
			"NoDuplicateIdempotent",
			func(k *checkers, pc *partitionChecks) {
				pc.NoDuplicates.check(k, 0, one)
				pc.NoDuplicates.check(k, 0, two)
			},
			func(k *checkers, pc *partitionChecks) {
				pc.NoDuplicates.check(k, 0, one)
				pc.NoDuplicates.check(k, 0, batchAt(1, 1, 0))
			},
		},
		{
			"PerPartitionOrder",
			func(k *checkers, pc *partitionChecks) {
				pc.Order.check(k, 0, one)
				pc.Order.check(k, 0, two)
			},
			func(k *checkers, pc *partitionChecks) {
				pc.Order.check(k, 0, one)
				pc.Order.check(k, 0, batchAt(1, 1, 2))
			},
		},
		{
			"NoAckedLoss",
			func(k *checkers, pc *partitionChecks) { pc.NoAckedLoss.check(k, 0, two, 1) },
			func(k *checkers, pc *partitionChecks) { pc.NoAckedLoss.check(k, 0, two, 2) },
		},
		{
			"NoAckedLoss",
			func(k *checkers, pc *partitionChecks) { pc.NoAckedLoss.check(k, 0, one, 0) },
			func(k *checkers, pc *partitionChecks) { pc.NoAckedLoss.check(k, 0, other, 1) },
		},
		{
			"ReadsBelowHighWatermark",
			func(k *checkers, pc *partitionChecks) { pc.Reads.check(k, 1, 0, two) },
			func(k *checkers, pc *partitionChecks) { pc.Reads.check(k, 1, 0, batchAt(2, 1, 2)) },
		},
	}
}

func moveExamples() []example {
	state := func(isr, replicas []model.NodeID) *meta.Partition {
		return &meta.Partition{Replicas: replicas, ISR: isr}
	}
	of := func(nodes ...model.NodeID) []model.NodeID { return nodes }
	return []example{
		{
			"MovesKeepCopies",
			func(k *checkers, pc *partitionChecks) {
				pc.Moves.check(k, 0, state(of(1), of(1)), state(of(1), of(2, 1)))
				pc.Moves.check(k, 0, state(of(1), of(2, 1)), state(of(2), of(2, 1)))
				pc.Moves.check(k, 0, state(of(2), of(2, 1)), state(of(2), of(2)))
			},
			func(k *checkers, pc *partitionChecks) {
				pc.Moves.check(k, 0, state(of(1), of(1, 3)), state(of(1), of(1, 2, 3)))
				pc.Moves.check(k, 0, state(of(1), of(1, 2, 3)), state(of(1), of(1, 2)))
			},
		},
		{
			"MovesKeepCopies",
			func(k *checkers, pc *partitionChecks) {
				begun, came := moving(), moving()
				came.ISR = of(1, 4)
				pc.Moves.check(k, 0, state(of(1), of(1)), begun)
				pc.Moves.check(k, 0, begun, came)
				pc.Moves.check(k, 0, came, moving())
				pc.Moves.check(k, 0, moving(), &meta.Partition{Replicas: of(1, 3), ISR: of(1), Adding: of(3)}) // 4 is not wanted any more
			},
			func(k *checkers, pc *partitionChecks) {
				pc.Moves.check(k, 0, state(of(1), of(1, 4)), moving())
				pc.Moves.check(k, 0, moving(), &meta.Partition{Replicas: of(1, 3), ISR: of(1), Adding: of(3)})
			},
		},
		{
			"MovesKeepCopies",
			func(k *checkers, pc *partitionChecks) {
				pc.Moves.check(k, 0, state(of(1, 2), of(1, 2)), state(of(1, 2), of(1, 2, 3)))
				pc.Moves.check(k, 0, state(of(1, 2), of(1, 2, 3)), state(of(1, 2), of(1, 2))) // it is not to come any more
			},
			func(k *checkers, pc *partitionChecks) {
				pc.Moves.check(k, 0, state(of(1, 2), of(1, 2)), state(of(1), of(1)))
			},
		},
	}
}

// moving: 4 has come, 3 has not, and 4 has left the set again.
func moving() *meta.Partition {
	return &meta.Partition{Replicas: []model.NodeID{1, 4, 3}, ISR: []model.NodeID{1}, Adding: []model.NodeID{4, 3}}
}

// uncleanExamples: of {1, 2}, 1 is gone, and 2 elected, or 0, which is not in sync.
func uncleanExamples() []example {
	elects := func(k *checkers, leader model.NodeID, demanded, gone bool) {
		topic := model.UUID{7}
		image := func(p meta.Partition) *meta.Image {
			records := []meta.Record{&meta.TopicRecord{ID: topic, Name: "t0"}, &meta.PartitionRecord{Topic: topic, Partition: p}}
			for n := range model.NodeID(3) {
				records = append(records, &meta.RegisterBrokerRecord{Broker: meta.Broker{ID: n, Epoch: 1, Fenced: n == 1 && gone}})
			}
			i, err := meta.Build(records...)
			if err != nil {
				panic(err)
			}
			return i
		}
		replicas := []model.NodeID{0, 1, 2}
		lost := []model.NodeID{1}
		if !gone {
			lost = nil
		}
		was := image(meta.Partition{Replicas: replicas, ISR: []model.NodeID{1, 2}, Lost: lost, Leader: model.NoNode, LeaderEpoch: 5})
		is := image(meta.Partition{Replicas: replicas, ISR: []model.NodeID{leader}, Leader: leader, LeaderEpoch: 6})
		if demanded {
			k.UncleanElections.demand(0, 5)
		}
		k.c.observePartition(was, is, is.Topics.ByID(topic))
	}
	// Of {1, 2} one answer is enough: with 2 a clean election is possible.
	return []example{
		{
			"UncleanElections",
			func(k *checkers, _ *partitionChecks) { k.UncleanElections.demand(0, 5) },
			func(k *checkers, _ *partitionChecks) { elects(k, 2, false, true) },
		},
		{
			"UncleanElections",
			func(k *checkers, _ *partitionChecks) { k.UncleanElections.demand(0, 5) },
			func(k *checkers, _ *partitionChecks) { elects(k, 2, true, false) },
		},
	}
}

// Goal: after an unclean election its leader's log is the truth; what that lacks may be
// lost, and nothing else. Method: of two batches the leader has one, and other ones.
func TestAnUncleanElectionGivesUpWhatItsLeaderLacks(t *testing.T) {
	k := judged()
	pc := k.partitions[0]
	two := batchAt(1, 1, 1)
	pc.Given.due = 6
	k.leads(2, 0, 6, logWith(batchAt(0, 1, 0), batchAt(1, 2, 9)), 1)
	if pc.ledger.end() != 1 || !pc.Given.up[keyOf(two)] || k.c.stats.GivenUp != 1 {
		t.Errorf("committed to %d, given up: %v", pc.ledger.end(), pc.Given.up)
	}
	pc.NoAckedLoss.check(k, 0, two, 1)            // it was acknowledged before
	pc.Reads.check(k, 0, 0, two)                  // by who has not heard of it yet
	pc.NoDuplicates.check(k, 0, batchAt(5, 6, 1)) // it may be sent again
	if k.violation != nil {
		t.Errorf("what is allowed breaks %v", k.violation)
	}
	k.c.nodes[1].disk.normal[0] = 6
	pc.Reads.check(k, 1, 0, two)
	if k.violation == nil || k.violation.Checker != "ReadsBelowHighWatermark" {
		t.Errorf("who has made its log as the leader's may give consumers what was given up: %v", k.violation)
	}
	k = judged()
	k.partitions[0].NoAckedLoss.check(k, 0, batchAt(2, 1, 2), 2)
	if k.violation == nil {
		t.Error("what nobody has ever committed may be acknowledged")
	}
}

func clusterExamples() []example {
	return []example{
		{
			"LeaseExclusive",
			func(k *checkers, _ *partitionChecks) {
				k.LeaseExclusive.changed(1, 5, true)
				k.LeaseExclusive.serves(k, 1, 6, "reads")
			},
			func(k *checkers, _ *partitionChecks) {
				k.LeaseExclusive.changed(1, 5, true)
				k.LeaseExclusive.serves(k, 1, 5, "reads")
			},
		},
		{
			"ElectionSafety",
			func(k *checkers, _ *partitionChecks) {
				k.ElectionSafety.check(k, 1, 5)
				k.ElectionSafety.check(k, 2, 6)
			},
			func(k *checkers, _ *partitionChecks) {
				k.ElectionSafety.check(k, 1, 5)
				k.ElectionSafety.check(k, 2, 5)
			},
		},
		{
			"ThrottleSparesISR",
			func(k *checkers, _ *partitionChecks) {
				p := leading(k, 2)
				k.c.proposed[0] = []proposal{{on: 7, set: []model.NodeID{5}}} // overtaken, or to come
				k.ThrottleSparesISR.check(k, p, 0, 5)
			},
			func(k *checkers, _ *partitionChecks) { k.ThrottleSparesISR.check(k, leading(k, 2), 0, 1) },
		},
		{
			"ThrottleSparesISR",
			func(*checkers, *partitionChecks) {},
			func(k *checkers, _ *partitionChecks) {
				p := leading(k, 2)
				k.c.proposed[0] = []proposal{{on: 0, set: []model.NodeID{0, 5}}}
				k.ThrottleSparesISR.check(k, p, 0, 5)
			},
		},
		{
			"ImagesAgree",
			func(k *checkers, _ *partitionChecks) {
				k.ImagesAgree.check(k, 1, 5, 77)
				k.ImagesAgree.check(k, 2, 5, 77)
				k.ImagesAgree.check(k, 2, 6, 78)
			},
			func(k *checkers, _ *partitionChecks) {
				k.ImagesAgree.check(k, 1, 5, 77)
				k.ImagesAgree.check(k, 2, 5, 78)
			},
		},
		{
			"EpochsNeverGoBack",
			func(k *checkers, _ *partitionChecks) {
				k.EpochsForward.check(k, 1, 0, 5)
				k.EpochsForward.check(k, 2, 0, 4)
			},
			func(k *checkers, _ *partitionChecks) {
				k.EpochsForward.check(k, 1, 0, 5)
				k.EpochsForward.check(k, 1, 0, 4)
			},
		},
		{
			"Progress",
			func(k *checkers, _ *partitionChecks) {
				leading(k, 2)
				k.c.checkAlike(0, k.c.nodes[0])
			},
			func(k *checkers, _ *partitionChecks) {
				leading(k, 2)
				k.c.nodes[0].disk.logs[0].truncate(1)
				k.c.checkAlike(0, k.c.nodes[0])
			},
		},
		{
			"Progress",
			func(k *checkers, _ *partitionChecks) {
				k.c.topics = slices.Clip(k.c.topics[:0])
				k.c.checkProgress()
			},
			func(k *checkers, _ *partitionChecks) { k.c.checkProgress() }, // no topic is there
		},
		{
			"Progress",
			func(k *checkers, _ *partitionChecks) { toBeRaised(k, meta.Newest) },
			func(k *checkers, _ *partitionChecks) { toBeRaised(k, meta.Oldest) },
		},
	}
}

// toBeRaised looks at the progress of a cluster without topics, whose nodes all run.
func toBeRaised(k *checkers, is meta.Version) {
	k.c.plan.raises, k.c.newest = true, &meta.Image{Version: is}
	k.c.topics = slices.Clip(k.c.topics[:0])
	for _, n := range k.c.nodes {
		if n.process == nil {
			n.process = new(process)
		}
	}
	k.c.checkProgress()
}

// Goal: every checker finds what it is for, and only that. Method: a good example and a
// bad one beside it, each before checkers of its own.
func TestCheckersFire(t *testing.T) {
	for _, c := range slices.Concat(logExamples(), recordExamples(), moveExamples(), uncleanExamples(), clusterExamples()) {
		k := judged()
		if c.good(k, k.partitions[0]); k.violation != nil {
			t.Errorf("%s: the good example breaks %v", c.name, k.violation)
		}
		k = judged()
		c.bad(k, k.partitions[0])
		if k.violation == nil || k.violation.Checker != c.name || !k.c.w.halt {
			t.Errorf("%s: the bad example gives %v", c.name, k.violation)
		}
	}
}
