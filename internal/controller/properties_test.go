package controller

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Goal: whatever is decided fits its image and leaves it consistent; epochs never
// go back; of all proposals on one state of a partition one is decided; and who is
// lost stays so until a leader says otherwise. Method: random commands, of which
// leaders' come more than once; cluster.do checks each.
func TestRandomCommandsKeepTheImageConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{t: t, image: new(meta.Image)}
		must[InitializedCluster](c, InitCluster{ID: "c"})
		var sent []AlterISR
		decided := make(map[proposalKey]bool)
		for range rapid.IntRange(1, 60).Draw(t, "commands") {
			before := c.image
			command := drawCommand(t, c)
			if a, ok := command.(AlterISR); ok {
				sent = append(sent, a)
				a = rapid.SampledFrom(sent).Draw(t, "copy")
				command = a
				checkProposals(t, c, a, decided)
			}
			if _, err := c.do(command); err != nil && c.image != before {
				t.Fatalf("%s failed and changed the image", command.Name())
			}
			checkEpochs(t, before, c.image)
			if _, ok := command.(AlterISR); !ok {
				checkLost(t, before, c.image)
			}
		}
	})
}

// proposalKey is a state of a partition that a leader has proposed on.
type proposalKey struct {
	partitionKey
	leaderEpoch    model.LeaderEpoch
	partitionEpoch model.PartitionEpoch
}

// checkProposals checks that each change on the state as it is yields a record,
// and no state two.
func checkProposals(t *rapid.T, c *cluster, a AlterISR, decided map[proposalKey]bool) {
	records, _, err := a.Decide(c.image, c.env())
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, change := range a.Changes {
		key := partitionKey{change.Topic, change.Partition}
		p := findPartition(c.image, key)
		b := c.image.Brokers.ByID(a.Node)
		if p == nil || p.Leader != a.Node || b.Epoch != a.BrokerEpoch || p.LeaderEpoch != change.LeaderEpoch || p.PartitionEpoch != change.PartitionEpoch {
			continue
		}
		want++
		state := proposalKey{key, change.LeaderEpoch, change.PartitionEpoch}
		if decided[state] {
			t.Fatalf("%+v is decided again", change)
		}
		decided[state] = true
	}
	if len(records) != want {
		t.Fatalf("%d of %d changes are decided: %+v", len(records), want, a)
	}
}

func checkLost(t *rapid.T, before, after *meta.Image) {
	for topic := range after.Topics.All() {
		was := before.Topics.ByID(topic.ID)
		for i := range topic.Partitions {
			if was == nil || i >= len(was.Partitions) {
				continue
			}
			p, q := &was.Partitions[i], &topic.Partitions[i]
			if !sameMembers(p.ISR, q.ISR) {
				t.Fatalf("%s-%d: %+v became %+v without its leader's will", topic.Name, i, p, q)
			}
			for _, n := range p.Lost {
				if !slices.Contains(q.Lost, n) {
					t.Fatalf("%s-%d: %d is not lost any more: %+v became %+v", topic.Name, i, n, p, q)
				}
			}
		}
	}
}

// sameMembers compares sets, whose order follows that of the replicas.
func sameMembers(a, b []model.NodeID) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(n model.NodeID) bool { return !slices.Contains(b, n) })
}

func drawCommand(t *rapid.T, c *cluster) Command {
	node := model.NodeID(rapid.IntRange(0, 3).Draw(t, "node"))
	name := rapid.SampledFrom([]string{"a", "b.c", "b_c", "d", "bad name"}).Draw(t, "name")
	factor := int16(rapid.IntRange(-1, 4).Draw(t, "factor"))
	var epoch model.BrokerEpoch
	if b := c.image.Brokers.ByID(node); b != nil {
		epoch = b.Epoch
	}
	switch rapid.IntRange(0, 18).Draw(t, "command") {
	case 15, 16:
		return AlterReassignments{FixedFactor: rapid.Bool().Draw(t, "fixed"), Partitions: []Reassign{{Topic: name,
			Replicas: rapid.SampledFrom([][]model.NodeID{nil, {0}, {1, 0}, {2, 3}, {3, 1, 0}, {0, 1, 2}, {1, 1}}).Draw(t, "replicas")}}}
	case 17:
		return PreferLeaders{All: true}
	case 18:
		var advance AdvanceReassignments
		for topic := range c.image.Topics.All() {
			advance.Partitions = append(advance.Partitions, PartitionRef{Topic: topic.ID})
		}
		return advance
	case 0, 1:
		r := register(node, byte(rapid.IntRange(1, 9).Draw(t, "incarnation")))
		r.Fenced, r.Rack = rapid.Bool().Draw(t, "fenced"), fmt.Sprint(node%2)
		r.Unclean, r.Relaxed = rapid.Bool().Draw(t, "unclean"), rapid.Bool().Draw(t, "relaxed")
		if rapid.IntRange(0, 4).Draw(t, "emptied") == 0 {
			r.Directory = model.UUID{77, byte(c.image.Index)}
		}
		return r
	case 2:
		return FenceBroker{Node: node, Epoch: epoch}
	case 3:
		return UnfenceBroker{Node: node, Epoch: epoch}
	case 4:
		return UnregisterBroker{Node: node}
	case 5:
		return DeleteTopics{Topics: []DeleteTopic{{Name: name}}}
	case 6:
		return CreatePartitions{Topics: []GrowTopic{{Name: name, Count: int32(rapid.IntRange(0, 9).Draw(t, "count"))}}}
	case 7:
		return AlterConfigs{Replace: rapid.Bool().Draw(t, "replace"), Resources: []AlterResource{{Resource: topicResource(name),
			Ops: []ConfigOp{set(rapid.SampledFrom([]string{"retention.ms", "flush.ms"}).Draw(t, "setting"), "7")}}}}
	case 8:
		return LeaveBroker{Node: node, Epoch: epoch}
	case 9, 10, 11:
		return drawProposals(t, c, node, epoch)
	case 12:
		return drawElections(t, c)
	default:
		return CreateTopics{Topics: []CreateTopic{topicOf(name, int32(rapid.IntRange(-1, 5).Draw(t, "partitions")), factor)}}
	}
}

func checkEpochs(t *rapid.T, before, after *meta.Image) {
	for topic := range after.Topics.All() {
		was := before.Topics.ByID(topic.ID)
		if was == nil {
			continue
		}
		for i := range was.Partitions {
			p, q := was.Partitions[i], topic.Partitions[i]
			if q.LeaderEpoch < p.LeaderEpoch || q.PartitionEpoch < p.PartitionEpoch ||
				q.Leader != p.Leader && q.LeaderEpoch == p.LeaderEpoch || !q.Equal(&p) && q.PartitionEpoch == p.PartitionEpoch {
				t.Fatalf("%s-%d: %+v became %+v", topic.Name, i, p, q)
			}
		}
	}
	for b := range after.Brokers.All() {
		if was := before.Brokers.ByID(b.ID); was != nil && (b.Epoch < was.Epoch || b.Incarnation != was.Incarnation && b.Epoch == was.Epoch) {
			t.Fatalf("broker %d: %+v became %+v", b.ID, was, b)
		}
	}
}

// drawProposals has a leader propose any sets, on the state as it is.
func drawProposals(t *rapid.T, c *cluster, leader model.NodeID, epoch model.BrokerEpoch) Command {
	a := AlterISR{Node: leader, BrokerEpoch: epoch}
	for _, topic := range c.image.Topics.Sorted() {
		for i, p := range topic.Partitions {
			if p.Leader != leader || rapid.IntRange(0, 3).Draw(t, "spared") == 0 {
				continue
			}
			some := rapid.SliceOfN(rapid.SampledFrom(p.Replicas), 0, len(p.Replicas))
			isr := append(slices.Clone(some.Draw(t, "isr")), leader)
			lost := some.Draw(t, "lost")
			if rapid.Bool().Draw(t, "sound") {
				slices.Sort(isr)
				isr = slices.Compact(isr)
				lost = slices.DeleteFunc(slices.Clone(lost), func(n model.NodeID) bool { return !slices.Contains(p.Lost, n) })
			}
			a.Changes = append(a.Changes, c.change(topic.Name, i, isr, lost))
		}
	}
	return a
}

func drawElections(t *rapid.T, c *cluster) Command {
	var e ElectLeaders
	for _, topic := range c.image.Topics.Sorted() {
		for i, p := range topic.Partitions {
			leader := rapid.SampledFrom(p.ISR).Draw(t, "leader")
			if b := c.image.Brokers.ByID(leader); b != nil {
				e.Elections = append(e.Elections, Election{Topic: topic.ID, Partition: model.Partition(i),
					LeaderEpoch: p.LeaderEpoch, Leader: leader, BrokerEpoch: b.Epoch})
			}
		}
	}
	return e
}

// Goal: each partition is in as many racks as it can be, leaders are spread evenly,
// and nobody who is fenced or leaving holds anything. Method: random clusters.
func TestReplicasAreSpreadOverRacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{t: t, image: new(meta.Image)}
		must[InitializedCluster](c, InitCluster{ID: "c"})
		racks, alive := map[string]bool{}, 0
		for n := range model.NodeID(rapid.IntRange(1, 9).Draw(t, "brokers")) {
			r := register(n, 1)
			r.Rack = rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "rack")
			must[RegisteredBroker](c, r)
			switch rapid.IntRange(0, 5).Draw(t, "state") {
			case 0:
				c.fence(n)
			case 1:
				must[BrokerChanged](c, LeaveBroker{Node: n, Epoch: c.epoch(n)})
			default:
				racks[r.Rack] = true
				alive++
			}
		}
		if alive == 0 {
			return
		}
		factor := rapid.IntRange(1, alive).Draw(t, "factor")
		partitions := rapid.IntRange(1, 20).Draw(t, "partitions")
		c.create(topicOf("a", int32(partitions), int16(factor)))
		led := map[model.NodeID]int{}
		for i, p := range c.image.Topics.ByName("a").Partitions {
			led[p.Leader]++
			in := map[string]bool{}
			for _, n := range p.Replicas {
				b := c.image.Brokers.ByID(n)
				in[b.Rack] = true
				if b.Fenced || b.Leaving {
					t.Fatalf("partition %d is placed on %+v", i, b)
				}
			}
			if len(p.Replicas) != factor || len(in) != min(len(racks), factor) || p.Leader != p.Replicas[0] {
				t.Fatalf("partition %d: replicas %v in racks %v of %v", i, p.Replicas, in, racks)
			}
		}
		for n, count := range led {
			if count > (partitions+alive-1)/alive || len(led) == alive && count < partitions/alive || len(led) != min(alive, partitions) {
				t.Fatalf("%d leads %d of %d partitions, %d brokers are alive: %v", n, count, partitions, alive, led)
			}
		}
	})
}
