package balance

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// kept is a cluster that a Keeper looks after, in virtual time.
type kept struct {
	*testing.T
	c     *Cluster
	k     *Keeper
	now   time.Time
	rng   *rand.Rand
	takes time.Duration // a copy, at most
	ends  map[model.TopicPartition]time.Time

	elections map[model.TopicPartition]int

	begun, most, surveys int
	waits                []string
	ended                int
}

const surveyInterval = time.Minute

func keep(t *testing.T, c *Cluster, rate int64) *kept {
	return &kept{T: t, c: c, k: NewKeeper(rate, surveyInterval), now: time.Unix(0, 0), rng: rand.New(rand.NewPCG(1, 1)), takes: 10 * time.Second,
		ends: make(map[model.TopicPartition]time.Time), elections: make(map[model.TopicPartition]int)}
}

// run lets time pass, a second at a time.
func (k *kept) run(during time.Duration) {
	k.Helper()
	for end := k.now.Add(during); k.now.Before(end); k.now = k.now.Add(time.Second) {
		k.arrive()
		switch {
		case k.now.Unix()%int64(surveyInterval/time.Second) == 0:
			k.surveys++
			k.carryOut(k.k.Survey(k.now, k.c))
		case k.k.Busy():
			k.carryOut(k.k.Follow(k.now, k.c))
		}
	}
}

func (k *kept) carryOut(d Decision) {
	k.Helper()
	at := places(k.c)
	for _, m := range d.Begin {
		p := at[m.Partition]
		p.Replicas, p.Moving, p.Missing = m.To, true, 1
		k.ends[m.Partition] = k.now.Add(time.Duration(k.rng.Int64N(int64(k.takes))))
		k.begun++
	}
	for _, name := range d.Elect {
		if k.elections[name]++; k.elections[name] == 3 { // others end with the same leader
			at[name].Leader = at[name].Replicas[0]
		}
	}
	if d.Waits != "" {
		k.waits = append(k.waits, d.Waits)
	}
	if d.Ended {
		k.ended++
	}
	if len(d.Dropped) > 0 {
		k.Errorf("dropped: %+v", d.Dropped)
	}
	k.most = max(k.most, len(k.ends))
}

// arrive ends moves.
func (k *kept) arrive() {
	at := places(k.c)
	for name, end := range k.ends {
		if k.now.Before(end) {
			continue
		}
		delete(k.ends, name)
		p := at[name]
		p.Moving, p.Missing = false, 0
		if !slices.Contains(p.Replicas, p.Leader) {
			p.Leader = p.Replicas[0]
		}
	}
}

func (k *kept) evenly(tolerance float64) bool {
	o := DefaultOptions()
	o.Tolerance = tolerance
	return len(changes(k.c, o)) == 0
}

func joined() *Cluster {
	return &Cluster{Brokers: evenBrokers(4), Partitions: spread("t", 120, 3, 1, 3, 1<<20)}
}

// Goal: two surveys find that a node has joined; then it gets its share, a few partitions
// at a time, and then nothing happens any more.
func TestAKeeperEvensOut(t *testing.T) {
	k := keep(t, joined(), 0)
	k.run(surveyInterval)
	if k.begun > 0 {
		t.Errorf("%d moves after one survey", k.begun)
	}
	k.run(30 * time.Minute)
	if !k.evenly(0.1) || k.most > copiesMax || k.ended != 1 || len(k.waits) > 0 {
		t.Errorf("even: %t, %d at a time, ended %d times, waited for %v", k.evenly(0.1), k.most, k.ended, k.waits)
	}
	for _, p := range k.c.Partitions {
		if p.Leader != p.Replicas[0] {
			t.Errorf("%s is led by %d, of %v", p.Name, p.Leader, p.Replicas)
		}
	}
	begun := k.begun
	k.run(time.Hour)
	if k.begun != begun {
		t.Errorf("%d moves of a cluster that is even", k.begun-begun)
	}
}

func TestAKeeperKeepsToItsRate(t *testing.T) {
	k := keep(t, joined(), 1<<20/60) // a partition a minute, to the one that has joined
	k.run(2*surveyInterval + 30*time.Minute)
	if k.begun < 30 || k.begun > 33 {
		t.Errorf("%d moves in half an hour", k.begun)
	}
}

// Goal: the next controller's Keeper goes on, after what is under way has ended.
func TestAKeeperGoesOnAfterAnother(t *testing.T) {
	k := keep(t, joined(), 0)
	for len(k.ends) == 0 {
		k.run(time.Second)
	}
	k.takes = 5 * time.Minute
	for name := range k.ends {
		k.ends[name] = k.now.Add(k.takes)
	}
	k.k = NewKeeper(0, surveyInterval)
	before := k.begun
	k.run(4 * time.Minute)
	if k.begun != before || len(k.waits) != 1 || !strings.HasSuffix(k.waits[0], " is being reassigned") {
		t.Errorf("%d moves beside those of another, waits for %v", k.begun-before, k.waits)
	}
	k.takes = 10 * time.Second
	k.run(time.Hour)
	if !k.evenly(0.1) {
		t.Error("uneven in the end")
	}
}

func TestAKeeperWaitsWhereSomethingIsWrong(t *testing.T) {
	f := func(want string, breaks func(*Cluster), mends func(*Cluster)) {
		t.Helper()
		k := keep(t, joined(), 1<<20/60)
		k.run(4 * surveyInterval)
		if k.begun == 0 {
			t.Error("nothing was begun")
		}
		for len(k.ends) > 0 {
			k.run(time.Second)
		}
		breaks(k.c)
		before := k.begun
		k.run(10 * surveyInterval)
		if k.begun != before || len(k.waits) != 1 || k.waits[0] != want {
			t.Errorf("%d moves, waits for %q, want %q", k.begun-before, k.waits, want)
		}
		mends(k.c)
		k.run(3 * surveyInterval)
		if k.begun == before {
			t.Errorf("%s: nothing begins any more", want)
		}
	}
	f("broker 2 is down", func(c *Cluster) { c.Brokers[1].Alive = false }, func(c *Cluster) { c.Brokers[1].Alive = true })
	f("1 replicas of t-119 are not in sync", func(c *Cluster) { c.Partitions[119].Missing = 1 }, func(c *Cluster) { c.Partitions[119].Missing = 0 })
	f("t-119 has no leader", func(c *Cluster) { c.Partitions[119].Leader = model.NoNode }, func(c *Cluster) { c.Partitions[119].Leader = c.Partitions[119].Replicas[0] })
	f("t-119 is being reassigned", func(c *Cluster) { c.Partitions[119].Moving = true }, func(c *Cluster) { c.Partitions[119].Moving = false })
}

// Goal: a partition does not follow traffic to and fro. Method: every other survey another
// broker's partitions are busy.
func TestAKeeperDoesNotPlayPingPong(t *testing.T) {
	k := keep(t, &Cluster{Brokers: evenBrokers(3), Partitions: spread("t", 30, 1, 1, 3, 1<<20)}, 0)
	busy := make(map[model.TopicPartition]int)
	for i := range k.c.Partitions {
		busy[k.c.Partitions[i].Name] = i % 2
	}
	for turn := range 2 * restFor {
		for i := range k.c.Partitions {
			p := &k.c.Partitions[i]
			p.In = 1 << 20
			if busy[p.Name] == turn/3%2 && p.Replicas[0] == 1 {
				p.In = 1 << 25
			}
		}
		k.run(surveyInterval)
	}
	if k.begun > 2*30 { // each at most once in restFor surveys
		t.Errorf("%d moves of 30 partitions in %d surveys", k.begun, k.surveys)
	}
}

// What is not where it was is dropped, and not begun again.
func TestAKeeperLetsOthersHaveTheirWay(t *testing.T) {
	c := joined()
	k := NewKeeper(0, surveyInterval)
	k.Survey(time.Unix(0, 0), c)
	d := k.Survey(time.Unix(60, 0), c)
	if len(d.Begin) != copiesMax || len(d.Planned) < 27 {
		t.Fatalf("%+v", d)
	}
	// The first is refused, or taken back; what waits next is moved by somebody else.
	next := d.Planned[copiesMax]
	at := places(c)
	for _, m := range d.Begin[1:] {
		at[m.Partition].Replicas, at[m.Partition].Moving = m.To, true
	}
	at[next.Partition].Replicas = []model.NodeID{4, 3, 2}
	d = k.Follow(time.Unix(61, 0), c)
	if len(d.Dropped) != 1 || len(d.Begin) != 1 || d.Begin[0].Partition == next.Partition {
		t.Errorf("%+v", d)
	}
}

func TestLoadsAreMeasured(t *testing.T) {
	c := &Cluster{Brokers: evenBrokers(2), Partitions: spread("t", 4, 2, 1, 2, 0)}
	name := func(bytes ...int64) map[model.Partition]int64 {
		m := make(map[model.Partition]int64)
		for p, b := range bytes {
			m[model.Partition(p)] = b
		}
		return m
	}
	older := &Survey{At: time.Unix(0, 0), Reports: map[model.NodeID]*Report{
		1: {RoomBytes: 5, Topics: map[string]TopicReport{"t": {Out: 1000, Bytes: name(100, 100, 100, 100)}}},
		2: {RoomBytes: 6, Topics: map[string]TopicReport{"t": {Out: 500, Bytes: name(100, 100, 100, 100)}}},
	}}
	newer := &Survey{At: time.Unix(10, 0), Reports: map[model.NodeID]*Report{
		1: {RoomBytes: 7, Topics: map[string]TopicReport{"t": {Out: 3000, Bytes: name(200, 100, 50, 100)}}},
		2: {RoomBytes: -1, Topics: map[string]TopicReport{"t": {Out: 100, Bytes: name(190, 400, 100, 100)}}}, // it has started again
	}}
	c.Measure(nil, older)
	if p := c.Partitions[0]; p.Bytes != 100 || p.In != 0 || p.Out != 0 || c.Brokers[0].RoomBytes != 5 {
		t.Errorf("at first: %+v", p)
	}
	c.Measure(older, newer)
	for i, want := range []Partition{{Bytes: 200, In: 10, Out: 100}, {Bytes: 400, In: 30}, {Bytes: 50, Out: 100}, {Bytes: 100}} {
		if p := c.Partitions[i]; p.Bytes != want.Bytes || p.In != want.In || p.Out != want.Out {
			t.Errorf("%d: %+v, want %+v", i, p, want)
		}
	}
	if c.Brokers[0].RoomBytes != 7 || c.Brokers[1].RoomBytes != -1 {
		t.Errorf("%+v", c.Brokers)
	}
}
