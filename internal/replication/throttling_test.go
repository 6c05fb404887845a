package replication

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/throttle"
)

const (
	throttledRate  = 1_000_000
	throttledBatch = 20_000
)

// throttle sets the throttles of topic t, and the rates of all brokers or of one.
func (c *cluster) throttle(leaders, followers string, rates map[string]int64) {
	c.t.Helper()
	of := func(t meta.ResourceType, resource, name, value string) meta.Record {
		return &meta.ConfigRecord{Resource: meta.Resource{Type: t, Name: resource}, Name: name, Value: value}
	}
	records := []meta.Record{
		of(meta.TopicResource, "t", "leader.replication.throttled.replicas", leaders),
		of(meta.TopicResource, "t", "follower.replication.throttled.replicas", followers),
	}
	for side, rate := range rates {
		records = append(records, of(meta.BrokerResource, "", side+".replication.throttled.rate", strconv.FormatInt(rate, 10)))
	}
	c.apply(records...)
}

// outside produces to partitions while node 3 is away and drops out of their sets, and has
// it come back.
func (c *cluster) outside(batches int, leaders ...model.NodeID) {
	c.t.Helper()
	c.disconnect(3)
	for i, leader := range leaders {
		for range batches {
			c.nodes[leader].produce(model.Partition(i), strings.Repeat("v", throttledBatch))
		}
		c.awaitISR(leader, model.Partition(i), 2)
	}
	c.connect(3)
}

func (c *cluster) awaitISR(leader model.NodeID, partition model.Partition, n int) {
	c.t.Helper()
	if !c.until(func() bool { return len(c.nodes[leader].partition(partition).State().ISR) == n }) {
		c.t.Fatalf("partition %d: in sync are %v", partition, c.nodes[leader].partition(partition).State().ISR)
	}
}

// about reports whether data that is throttled took as long as it must.
func (c *cluster) about(what string, took time.Duration, bytes int) {
	c.t.Helper()
	want := time.Duration(float64(bytes) / throttledRate * float64(time.Second))
	if took < want*9/10-200*time.Millisecond || took > want*11/10+200*time.Millisecond {
		c.t.Errorf("%s took %v, want %v", what, took, want)
	}
}

// A follower out of sync catches up at its rate; the other partition on its stream, and
// who commits with the follower that is in sync, notice nothing of it.
func TestAThrottledFollowerCatchesUpAtItsRate(t *testing.T) {
	for _, side := range []string{"leader", "follower"} {
		inCluster(t, 3, func(t *testing.T, c *cluster) {
			c.create(2, 1, 2, 3)
			const batches = 200
			c.throttle("0:1", "", map[string]int64{"leader": throttledRate})
			if side == "follower" {
				c.throttle("", "0:3", map[string]int64{"follower": throttledRate})
			}
			c.outside(batches, 1, 1)
			began := time.Now()
			c.awaitISR(1, 1, 3)
			if took := time.Since(began); took > 2*time.Second { // half of what the other takes
				t.Errorf("%s: the partition that is not throttled took %v", side, took)
			}
			for range 20 {
				before := time.Now()
				c.nodes[1].produce(0, "live")
				if took := time.Since(before); took > 500*time.Millisecond {
					t.Errorf("%s: a record of the throttled partition took %v", side, took)
				}
			}
			if n := c.nodes[1].waiting.Load(); n != 1 {
				t.Errorf("%s: %d partitions are waiting", side, n)
			}
			c.awaitISR(1, 0, 3)
			c.about(side, time.Since(began), batches*throttledBatch)
			c.alike(0)
			if sent := c.nodes[1].sentThrottled.Load(); sent < batches*throttledBatch || sent > batches*throttledBatch*11/10 {
				t.Errorf("%s: %d bytes are counted", side, sent)
			}
			if received := c.nodes[3].receivedThrottled.Load(); (received > 0) != (side == "follower") {
				t.Errorf("%s: the follower counts %d bytes", side, received)
			}
			// In sync it is held back no more, whatever the rate.
			c.throttle("*", "*", map[string]int64{"leader": 1, "follower": 1})
			c.nodes[1].produce(0, strings.Repeat("v", 500_000))
			before := time.Now()
			for range 10 {
				c.nodes[1].produce(0, strings.Repeat("v", 500_000))
			}
			if took := time.Since(before); took > time.Second {
				t.Errorf("%s: followers in sync were held back: %v", side, took)
			}
			c.alike(0)
		})
	}
}

// A follower's rate is that of all its leaders together, and one leader's part grows when
// another has nothing left to send.
func TestLeadersShareAFollowersRate(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.create(2, 1, 2, 3)
		c.elect(1, 2)
		c.nodes[2].produce(1, "a")
		c.throttle("", "*", map[string]int64{"follower": throttledRate})
		const batches = 100
		c.outside(batches, 1, 2)
		for range batches {
			c.nodes[2].produce(1, strings.Repeat("v", throttledBatch))
		}
		began := time.Now()
		c.awaitISR(1, 0, 3) // half of the rate
		c.about("the smaller", time.Since(began), 2*batches*throttledBatch)
		c.awaitISR(2, 1, 3)
		c.about("both", time.Since(began), 3*batches*throttledBatch)
	})
}

// A replica that the cluster's own move adds is sent at the move's pace, up to its end. One
// that comes back is not held back meanwhile, nor is the next copy of the same partition.
func TestACopyHasThePaceOfItsMove(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		const batches = 100
		c.create(1, 1, 2)
		for range batches {
			c.nodes[1].produce(0, strings.Repeat("v", throttledBatch))
		}
		move := func(to ...model.NodeID) (began time.Time) {
			began = time.Now()
			c.apply(&meta.ReplicasChangeRecord{Topic: topicID, Index: 0, Replicas: []model.NodeID{1, 2, 3}, Adding: to})
			c.awaitISR(1, 0, 3)
			return began
		}
		c.nodes[1].streams.Pace(&throttle.Paced{BytesPerSecond: throttledRate, Copies: []throttle.Copy{{Topic: "t", Partition: 0, To: []model.NodeID{3}}}})
		c.about("the move", time.Since(move(3)), batches*throttledBatch)
		if sent := c.nodes[1].sentThrottled.Load(); sent < batches*throttledBatch {
			t.Errorf("%d bytes are counted", sent)
		}
		c.apply(&meta.ReplicasChangeRecord{Topic: topicID, Index: 0, Replicas: []model.NodeID{1, 2, 3}}) // it has ended
		c.outside(batches, 1)
		began := time.Now()
		c.awaitISR(1, 0, 3)
		if took := time.Since(began); took > time.Second {
			t.Errorf("coming back after the move took %v", took)
		}
	})
}

// Another rate, and no throttle, count at once for who waits already.
func TestThrottlesThatAreRaisedOrClearedCountAtOnce(t *testing.T) {
	for _, c := range []struct {
		what    string
		leaders string
		rate    int64
	}{{"a greater rate", "*", 1 << 40}, {"no list", "", 1}, {"another's list", "0:2,1:3", 1}} {
		inCluster(t, 3, func(t *testing.T, cl *cluster) {
			cl.create(1, 1, 2, 3)
			cl.throttle("*", "", map[string]int64{"leader": 1})
			cl.outside(200, 1)
			pass(15 * time.Second)
			held := len(cl.nodes[3].values(0))
			if held == 0 || held > 10 {
				t.Errorf("%s: after 15 seconds at one byte a second it has %d batches", c.what, held)
			}
			cl.throttle(c.leaders, "", map[string]int64{"leader": c.rate})
			began := time.Now()
			cl.awaitISR(1, 0, 3)
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: it took %v", c.what, took)
			}
		})
	}
}

// A follower that is taken into the set while it waits is sent everything at once: commits
// wait for it.
func TestAFollowerThatJoinsWaitsNoMore(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.create(1, 1, 2, 3)
		c.throttle("*", "", map[string]int64{"leader": 1})
		c.outside(100, 1)
		pass(time.Second)
		if n := c.nodes[1].waiting.Load(); n != 1 {
			t.Fatalf("%d partitions wait", n)
		}
		c.apply(&meta.PartitionChangeRecord{Topic: topicID, Index: 0, ISR: []model.NodeID{1, 2, 3}})
		began := time.Now()
		c.alike(0)
		if took := time.Since(began); took > time.Second || c.nodes[1].waiting.Load() > 0 {
			t.Errorf("it took %v; %d wait", took, c.nodes[1].waiting.Load())
		}
	})
}

// Who waits is forgotten with its stream, its leader's epoch or its partition.
func TestNobodyWaitsWhoIsGone(t *testing.T) {
	for what, end := range map[string]func(c *cluster){
		"stream":    func(c *cluster) { c.disconnect(3) },
		"epoch":     func(c *cluster) { c.elect(0, 2) },
		"partition": func(c *cluster) { c.apply(&meta.RemoveTopicRecord{ID: topicID}) },
	} {
		inCluster(t, 3, func(t *testing.T, c *cluster) {
			c.create(1, 1, 2, 3)
			c.throttle("*", "", map[string]int64{"leader": 1})
			c.outside(100, 1)
			pass(time.Second)
			if n := c.nodes[1].waiting.Load(); n != 1 {
				t.Fatalf("%s: %d partitions wait", what, n)
			}
			end(c)
			if !c.until(func() bool { return c.nodes[1].waiting.Load() == 0 }) {
				t.Errorf("%s: somebody waits who is gone", what)
			}
		})
	}
}
