package balance

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
)

// even are brokers 1 to n, up, without racks.
func evenBrokers(n int) []Broker {
	all := make([]Broker, n)
	for i := range all {
		all[i] = Broker{ID: model.NodeID(i + 1), Alive: true, RoomBytes: -1}
	}
	return all
}

// spread has partitions of a topic on brokers from..to in turn.
func spread(topic string, count, factor, from, to int, bytes int64) []Partition {
	all := make([]Partition, count)
	for i := range all {
		p := Partition{Name: model.TopicPartition{Topic: topic, Partition: model.Partition(i)}, Bytes: bytes}
		for k := range factor {
			p.Replicas = append(p.Replicas, model.NodeID(from+(i+k)%(to-from+1)))
		}
		p.Leader = p.Replicas[0]
		all[i] = p
	}
	return all
}

// followed is the cluster after some moves; leaders are elected where that is asked for.
func (c *Cluster) followed(moves []Move) *Cluster {
	next := &Cluster{Brokers: c.Brokers, Partitions: slices.Clone(c.Partitions)}
	place := make(map[model.TopicPartition]int)
	for i := range next.Partitions {
		place[next.Partitions[i].Name] = i
	}
	for _, m := range moves {
		p := &next.Partitions[place[m.Partition]]
		p.Replicas = m.To
		if m.Elect || !slices.Contains(m.To, p.Leader) {
			p.Leader = m.To[0]
		}
	}
	return next
}

func TestANodeThatJoinsGetsItsShare(t *testing.T) {
	const partition = 1 << 30
	c := &Cluster{Brokers: evenBrokers(4), Partitions: spread("t", 120, 3, 1, 3, partition)}
	plan := Propose(c, DefaultOptions())
	for _, s := range plan.After {
		if s.Replicas < 81 || s.Replicas > 99 || s.Leaders < 27 || s.Leaders > 33 {
			t.Errorf("broker %d: %+v", s.Broker, s)
		}
	}
	// Nothing is copied but to the new one, and to that no more than it takes to be within
	// a tenth of even.
	if got := plan.Bytes(); got != 81*partition {
		t.Errorf("%s are copied", Bytes(got))
	}
	for _, m := range plan.Moves {
		if m.Bytes > 0 && !strings.Contains(m.Reason, "broker 4") {
			t.Errorf("%v: %s", m.Partition, m.Reason)
		}
	}
}

func TestLeadersAreEvenedByOrderAlone(t *testing.T) {
	c := &Cluster{Brokers: evenBrokers(3), Partitions: spread("t", 30, 3, 1, 3, 1<<30)}
	for i := range c.Partitions {
		c.Partitions[i].Replicas, c.Partitions[i].Leader = []model.NodeID{1, 2, 3}, 1
	}
	plan := Propose(c, DefaultOptions())
	for _, s := range plan.After {
		if s.Leaders < 9 || s.Leaders > 11 {
			t.Errorf("broker %d is to lead %d", s.Broker, s.Leaders)
		}
	}
	for _, m := range plan.Moves {
		if m.Bytes != 0 || !m.Elect {
			t.Errorf("%+v", m)
		}
	}
	if len(plan.Moves) > 20 {
		t.Errorf("%d moves", len(plan.Moves))
	}
}

func TestFirstReplicasThatDoNotLeadAreElected(t *testing.T) {
	c := &Cluster{Brokers: evenBrokers(3), Partitions: spread("t", 3, 2, 1, 3, 0)}
	c.Partitions[1].Leader = 3
	c.Partitions[2].Leader = model.NoNode // an election is under way
	plan := Propose(c, DefaultOptions())
	want := []Move{{Partition: model.TopicPartition{Topic: "t", Partition: 1}, From: []model.NodeID{2, 3}, To: []model.NodeID{2, 3}, Elect: true,
		Reason: "broker 3 leads, and broker 2 is the first replica"}}
	if !reflect.DeepEqual(plan.Moves, want) {
		t.Errorf("%+v", plan.Moves)
	}
}

func TestRacksAreMended(t *testing.T) {
	brokers := evenBrokers(6)
	for i := range brokers {
		brokers[i].Rack = string(rune('a' + i/2)) // 1 2 in a, 3 4 in b, 5 6 in c
	}
	c := &Cluster{Brokers: brokers, Partitions: []Partition{
		{Name: model.TopicPartition{Topic: "t"}, Replicas: []model.NodeID{1, 2, 3}, Leader: 1},
		{Name: model.TopicPartition{Topic: "t", Partition: 1}, Replicas: []model.NodeID{1, 3, 5}, Leader: 1},
		{Name: model.TopicPartition{Topic: "u"}, Replicas: []model.NodeID{2, 1, 4}, Leader: 2, Fixed: true},
	}}
	plan := Propose(c, DefaultOptions())
	if len(plan.Moves) == 0 || plan.Moves[0].Partition.Topic != "t" || plan.Moves[0].Partition.Partition != 0 {
		t.Fatalf("%+v", plan.Moves)
	}
	first := plan.Moves[0]
	if first.Reason != `rack "a" has more of its replicas than rack "c"` || rackPairs(c, first.To) != 0 {
		t.Errorf("%+v", first)
	}
	for _, m := range plan.Moves {
		if m.Partition.Topic == "u" {
			t.Errorf("what is fixed moves: %+v", m)
		}
	}
}

func TestABrokerIsEmptied(t *testing.T) {
	c := &Cluster{Brokers: evenBrokers(4), Partitions: spread("t", 40, 3, 1, 4, 1<<20)}
	c.Brokers[3].Empty = true
	plan := Propose(c, DefaultOptions())
	if s := plan.After[3]; s.Replicas != 0 || s.Leaders != 0 || len(plan.Remarks) > 0 {
		t.Errorf("%+v %v", s, plan.Remarks)
	}
	// Of three that remain, three replicas need all.
	c = &Cluster{Brokers: evenBrokers(3), Partitions: spread("t", 3, 3, 1, 3, 0)}
	c.Brokers[2].Empty = true
	if plan = Propose(c, DefaultOptions()); len(plan.Moves) > 1 || len(plan.Remarks) != 1 || !strings.HasPrefix(plan.Remarks[0], "broker 3 cannot be emptied: for 3 of its replicas") {
		t.Errorf("%+v", plan)
	}
}

func TestNothingMovesToWhereThereIsNoRoom(t *testing.T) {
	c := &Cluster{Brokers: evenBrokers(4), Partitions: spread("t", 12, 2, 1, 3, 1<<30)}
	c.Brokers[3].RoomBytes = 3<<30 - 1
	plan := Propose(c, DefaultOptions())
	if got := plan.After[3].Replicas; got != 2 {
		t.Errorf("%d replicas in room for two", got)
	}
}

func TestWhatIsSmallIsNotMovedForItsBytes(t *testing.T) {
	c := &Cluster{Brokers: evenBrokers(3), Partitions: spread("t", 30, 1, 1, 3, 1<<20)}
	for i := range c.Partitions {
		if c.Partitions[i].Replicas[0] == 1 {
			c.Partitions[i].Bytes = 4 << 20
		}
	}
	if plan := Propose(c, DefaultOptions()); len(plan.Moves) > 0 {
		t.Errorf("%+v", plan.Moves)
	}
	for i := range c.Partitions {
		c.Partitions[i].Bytes <<= 10
	}
	if plan := Propose(c, DefaultOptions()); len(plan.Moves) == 0 {
		t.Error("nothing moves")
	}
}

// rackPairs is how many pairs of replicas share a rack.
func rackPairs(c *Cluster, replicas []model.NodeID) (pairs int) {
	rack := map[model.NodeID]string{}
	for _, b := range c.Brokers {
		rack[b.ID] = b.Rack
	}
	for i, n := range replicas {
		for _, m := range replicas[:i] {
			if rack[n] == rack[m] {
				pairs++
			}
		}
	}
	return pairs
}

// randomCluster has what clusters have: hot partitions, racks of different sizes, brokers
// that are down, new, or to go.
func randomCluster(rng *rand.Rand) *Cluster {
	brokers := evenBrokers(1 + rng.IntN(12))
	racks := 1 + rng.IntN(4)
	for i := range brokers {
		b := &brokers[i]
		b.Rack = string(rune('a' + rng.IntN(racks)))
		b.Alive = rng.IntN(12) > 0
		b.Empty = rng.IntN(12) == 0
	}
	used := brokers[:1+rng.IntN(len(brokers))] // the others have just joined
	c := &Cluster{Brokers: brokers}
	for topic := range 1 + rng.IntN(6) {
		factor := 1 + rng.IntN(min(len(used), 4))
		for i := range 1 + rng.IntN(60) {
			p := Partition{Name: model.TopicPartition{Topic: fmt.Sprint("t", topic), Partition: model.Partition(i)}, Leader: model.NoNode, Fixed: rng.IntN(30) == 0}
			for _, b := range rng.Perm(len(used))[:factor] {
				p.Replicas = append(p.Replicas, used[b].ID)
			}
			if rng.IntN(10) > 0 {
				p.Leader = p.Replicas[rng.IntN(factor)]
			}
			p.Bytes = rng.Int64N(1 << (1 + rng.IntN(40)))
			p.In, p.Out = rng.Int64N(1<<(1+rng.IntN(30))), rng.Int64N(1<<(1+rng.IntN(30)))
			c.Partitions = append(c.Partitions, p)
		}
	}
	return c
}

// Goal: whatever part of a plan is carried out, nothing is worse; the whole of it is enough.
// Method: random clusters, each move by itself, since a move is of one partition and each
// partition moves once.
func TestPlansOfRandomClusters(t *testing.T) {
	const clusters = 300
	for seed := range uint64(clusters) {
		c := randomCluster(rand.New(rand.NewPCG(seed, 1)))
		plan := Propose(c, DefaultOptions())
		if !reflect.DeepEqual(plan, Propose(c, DefaultOptions())) {
			t.Fatalf("seed %d: another plan of the same cluster", seed)
		}
		checkMoves(t, seed, c, plan.Moves)
		after := c.followed(plan.Moves)
		if again := Propose(after, DefaultOptions()); len(again.Moves) > 0 {
			t.Fatalf("seed %d: of %d moves, %d are followed by %d more: %+v", seed, len(plan.Moves), len(plan.Moves), len(again.Moves), again.Moves[0])
		}
		if s := newSearch(after, DefaultOptions()); !reflect.DeepEqual(s.shares(), plan.After) {
			t.Fatalf("seed %d: %+v came of it, not %+v", seed, s.shares(), plan.After)
		}
		if before, after := off(c), off(after); after > before+1e-9 && !slices.ContainsFunc(c.Brokers, func(b Broker) bool { return b.Empty }) {
			wasCrowded := slices.ContainsFunc(plan.Moves, func(m Move) bool { return strings.HasPrefix(m.Reason, "rack") })
			if !wasCrowded {
				t.Fatalf("seed %d: brokers were off by %g, and are by %g", seed, before, after)
			}
		}
	}
}

// off is how far from even all brokers are.
func off(c *Cluster) (sum float64) {
	s := newSearch(c, DefaultOptions())
	for b := range s.brokers {
		if s.usable(b) {
			sum += s.bands.off(&s.loads[b])
		}
	}
	return sum
}

func checkMoves(t *testing.T, seed uint64, c *Cluster, moves []Move) {
	t.Helper()
	broker := map[model.NodeID]Broker{}
	for _, b := range c.Brokers {
		broker[b.ID] = b
	}
	partition := map[model.TopicPartition]*Partition{}
	for i := range c.Partitions {
		partition[c.Partitions[i].Name] = &c.Partitions[i]
	}
	seen := map[model.TopicPartition]bool{}
	for _, m := range moves {
		p := partition[m.Partition]
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: %s\n%+v\n%+v", seed, fmt.Sprintf(format, args...), m, p)
		}
		if seen[m.Partition] || p.Fixed || !slices.Equal(m.From, p.Replicas) || m.Reason == "" {
			fail("it is moved twice, or fixed, or is elsewhere, or nobody says why")
		}
		seen[m.Partition] = true
		if len(m.To) != len(p.Replicas) {
			fail("another number of replicas")
		}
		emptied, copies := false, int64(0)
		for i, n := range m.To {
			if slices.Contains(m.To[:i], n) {
				fail("broker %d twice", n)
			}
			if !slices.Contains(m.From, n) {
				copies++
				if b := broker[n]; !b.Alive || b.Empty {
					fail("broker %d is down, or to be emptied", n)
				}
			}
		}
		for _, n := range m.From {
			emptied = emptied || broker[n].Empty
		}
		if !emptied && rackPairs(c, m.To) > rackPairs(c, m.From) {
			fail("more replicas share a rack")
		}
		if m.Bytes != copies*p.Bytes {
			fail("%d bytes", m.Bytes)
		}
		if slices.Equal(m.From, m.To) && !m.Elect {
			fail("nothing changes")
		}
	}
}

// Goal: a plan for a large cluster is there in about a second. A node joins 30 others with
// 10,000 partitions.
func BenchmarkPropose(b *testing.B) {
	c := &Cluster{Brokers: evenBrokers(31), Partitions: spread("t", 10_000, 3, 1, 30, 1<<30)}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range c.Partitions {
		c.Partitions[i].Bytes = rng.Int64N(8 << 30)
		c.Partitions[i].In = rng.Int64N(1 << 20)
		c.Partitions[i].Out = rng.Int64N(1 << 20)
	}
	b.ReportAllocs()
	for b.Loop() {
		plan := Propose(c, DefaultOptions())
		b.ReportMetric(float64(len(plan.Moves)), "moves")
	}
}
