package replication

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/vfs"
)

func numbered(from, to int) []string {
	var values []string
	for i := from; i < to; i++ {
		values = append(values, fmt.Sprint("record ", i))
	}
	return values
}

func TestFollowersGetWhatTheirLeaderHas(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.create(4, 1, 2, 3)
		for i := range model.Partition(4) {
			c.nodes[1].produce(i, numbered(0, 20)...)
			if held := c.alike(i); !slices.Equal(held, numbered(0, 20)) {
				t.Errorf("partition %d: %v", i, held)
			}
		}
		// Its followers' consumers see all of that a moment later, without another record.
		for _, n := range c.running() {
			if !c.until(func() bool { return n.partition(3).Offsets().HighWatermark == 20 }) {
				t.Errorf("node %d's high watermark is %d", n.id, n.partition(3).Offsets().HighWatermark)
			}
		}
	})
}

// A follower may apply a topic's creation long before its leader has.
func TestFollowerThatIsAheadIsNotForgotten(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		before := c.current()
		next, delta, err := before.Apply([]meta.Record{
			&meta.TopicRecord{ID: topicID, Name: "t"},
			&meta.PartitionRecord{Topic: topicID, Partition: meta.Partition{Replicas: []model.NodeID{1, 2}, ISR: []model.NodeID{1, 2}, Leader: 1}},
		}, before.Index+1)
		if err != nil {
			t.Fatal(err)
		}
		c.nodes[2].set.Apply(delta, next)
		pass(50 * time.Millisecond) // its position has come, and found nothing
		began := time.Now()
		c.nodes[1].set.Apply(delta, next)
		c.nodes[1].produce(0, "a")
		if waited := time.Since(began); waited > 100*time.Millisecond {
			t.Errorf("the first record waited %v for a follower that had been there all the time", waited)
		}
	})
}

func TestFollowerCatchesUpWhenItIsBack(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.create(1, 1, 2, 3)
		c.nodes[1].produce(0, numbered(0, 10)...)
		c.disconnect(3)
		c.nodes[1].produce(0, numbered(10, 30)...)
		if held := len(c.nodes[3].values(0)); held > 10 {
			t.Fatalf("without a connection it has got %d records", held)
		}
		c.connect(3)
		c.alike(0)
		c.nodes[1].produce(0, "live")
		if held := c.alike(0); len(held) != 31 {
			t.Errorf("%d records", len(held))
		}
	})
}

// It leaves the set when it lags too long, and comes back when it has caught up.
func TestFollowerLeavesTheSetAndComesBack(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.create(1, 1, 2, 3)
		isr := func(n int) func() bool {
			return func() bool { return len(c.nodes[1].partition(0).State().ISR) == n }
		}
		c.disconnect(3)
		c.nodes[1].produce(0, "a") // it lags from here on
		if !c.until(isr(2)) {
			t.Fatal("a follower that lags stays in the set")
		}
		c.connect(3)
		if !c.until(isr(3)) {
			t.Fatal("a follower that has caught up does not come back")
		}
	})
}

// What only a deposed leader has was not acknowledged: it is cut.
func TestDivergingLogsBecomeOne(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.proposes = false
		c.create(1, 1, 2, 3)
		c.nodes[1].produce(0, numbered(0, 5)...)
		c.alike(0) // or 2 might not be the one to elect
		c.disconnect(1)
		for _, v := range numbered(100, 110) {
			_ = c.nodes[1].append(0, v) // nobody else gets it
		}
		c.elect(0, 2)
		c.nodes[2].produce(0, numbered(5, 8)...) // 3 has that, as 1 is not there
		c.connect(1)
		if held := c.alike(0); !slices.Equal(held, numbered(0, 8)) {
			t.Errorf("the nodes hold %v", held)
		}
		// And once more, over two leaders: 1 leads again, of what it did not write itself.
		c.disconnect(2)
		_ = c.nodes[2].append(0, "lost")
		c.elect(0, 1)
		c.nodes[1].produce(0, numbered(8, 9)...)
		c.connect(2)
		if held := c.alike(0); !slices.Equal(held, numbered(0, 9)) {
			t.Errorf("the nodes hold %v", held)
		}
	})
}

func TestNodeThatCrashesIsAFollowerAgain(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.proposes = false
		c.create(2, 1, 2, 3)
		for i := range model.Partition(2) {
			c.nodes[1].produce(i, numbered(0, 10)...)
			c.alike(i) // or 2 might not be the one to elect
		}
		disk := c.crash(1)
		for i := range model.Partition(2) {
			c.elect(i, 2)
			c.nodes[2].produce(i, numbered(10, 20)...)
		}
		c.apply(&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 1, Epoch: 2}})
		c.connect(1)
		c.start(1, disk)
		for i := range model.Partition(2) {
			if held := c.alike(i); !slices.Equal(held, numbered(0, 20)) {
				t.Errorf("partition %d: %v", i, held)
			}
		}
		c.nodes[2].produce(0, "live")
		c.alike(0)
	})
}

// A follower with an empty disk gets everything; one that lacks what its leader has
// deleted begins where that begins.
func TestFollowerBeginsWhereTheLogBegins(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.proposes = false
		c.create(1, 1, 2)
		c.nodes[1].produce(0, numbered(0, 10)...)
		c.crash(2)
		for _, v := range numbered(10, 20) {
			_ = c.nodes[1].append(0, v)
		}
		if _, err := c.nodes[1].partition(0).DeleteRecords(t.Context(), 8); err != nil {
			t.Fatal(err)
		}
		c.apply(&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: 2, Epoch: 2}})
		c.connect(2)
		c.start(2, vfs.NewMem())
		if held := c.alike(0); !slices.Equal(held, numbered(8, 20)) {
			t.Errorf("the nodes hold %v", held)
		}
		c.nodes[1].produce(0, "live")
		c.alike(0)
	})
}

// Records flow while connections break again and again; all arrive, once.
func TestStreamsThatBreakBeginAgain(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, c *cluster) {
		c.create(8, 1, 2, 3)
		stop := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(i%7) * 10 * time.Millisecond):
				}
				id := model.NodeID(2 + i%2)
				c.disconnect(id)
				pass(time.Duration(i%3) * 5 * time.Millisecond)
				c.connect(id)
			}
		}()
		for round := range 30 {
			for i := range model.Partition(8) {
				c.nodes[1].produce(i, fmt.Sprint("record ", round))
			}
		}
		close(stop)
		synctest.Wait()
		c.connect(2)
		c.connect(3)
		for i := range model.Partition(8) {
			if held := c.alike(i); !slices.Equal(held, numbered(0, 30)) {
				t.Errorf("partition %d: %v", i, held)
			}
		}
	})
}

// Bytes that change under way cost a stream its connection, or a partition a while, and
// nobody a record.
func TestDamagedFramesAreRefused(t *testing.T) {
	damages := map[string]func(frame []byte){
		"the kind":             func(f []byte) { f[0] = 99 },
		"the length":           func(f []byte) { f[74] = 0xff },
		"the batch":            func(f []byte) { f[len(f)-1] ^= 1 },
		"the batch's length":   func(f []byte) { f[entryHeaderBytes+11]++ },
		"the entry's position": func(f []byte) { f[53]++ },
		"the topic":            func(f []byte) { f[2]++ },
		"the stream":           func(f []byte) { f[33]++ },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 2, func(t *testing.T, c *cluster) {
				c.proposes = false
				c.create(1, 1, 2)
				c.nodes[1].produce(0, "first")
				var done atomic.Bool
				c.mu.Lock()
				c.tamper = func(_ link, toFollower bool, frame []byte) {
					if toFollower && len(frame) > entryHeaderBytes && done.CompareAndSwap(false, true) {
						damage(frame)
					}
				}
				c.mu.Unlock()
				_ = c.nodes[1].append(0, "second")
				if !c.until(done.Load) {
					t.Fatal("nothing was sent")
				}
				synctest.Wait()
				c.nodes[1].produce(0, "third")
				if held := c.alike(0); !slices.Equal(held, []string{"first", "second", "third"}) {
					t.Errorf("the nodes hold %q", held)
				}
			})
		})
	}
}

func TestDeletedTopicIsForgotten(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.create(4, 1, 2)
		c.nodes[1].produce(2, numbered(0, 3)...)
		c.apply(&meta.RemoveTopicRecord{ID: topicID})
		pass(time.Second) // what is under way arrives
		f := c.nodes[1].streams.feedsOf(2)
		f.mu.Lock()
		if len(f.mu.feeds) > 0 || f.mu.bytes > 0 || len(f.mu.early) > 0 {
			t.Errorf("%d feeds with %d bytes, and %d early positions are kept", len(f.mu.feeds), f.mu.bytes, len(f.mu.early))
		}
		f.mu.Unlock()
		for _, n := range c.running() {
			n.streams.mu.Lock()
			for leader, in := range n.streams.mu.inlets {
				if queued := len(in.out.mu.order) + len(in.out.mu.newest); queued > 0 {
					t.Errorf("node %d has %d messages for node %d", n.id, queued, leader)
				}
			}
			n.streams.mu.Unlock()
		}
		c.create(4, 2, 1) // of the same name
		c.nodes[2].produce(2, "again")
		if held := c.alike(2); !slices.Equal(held, []string{"again"}) {
			t.Errorf("the nodes hold %v", held)
		}
	})
}

// What followers had not acknowledged when a leadership ended they never will: it must
// not count against the other partitions for ever.
func TestWindowIsGivenBackWhenLeadershipEnds(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.proposes = false
		c.create(2, 1, 2)
		c.nodes[1].produce(0, "first")
		var deaf atomic.Bool
		deaf.Store(true)
		c.mu.Lock()
		c.tamper = func(_ link, toFollower bool, frame []byte) {
			for at := 0; !toFollower && deaf.Load() && at < len(frame); at += entryHeaderBytes {
				if frame[at] == byte(replica.Ack) {
					clear(frame[at+46 : at+54]) // that it has anything
				}
			}
		}
		c.mu.Unlock()
		_ = c.nodes[1].append(0, "unacknowledged")
		window := func() int {
			f := c.nodes[1].streams.feedsOf(2)
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.mu.bytes
		}
		if !c.until(func() bool { return window() > 0 && len(c.nodes[2].values(0)) == 2 }) {
			t.Fatal("nothing is under way")
		}
		c.elect(0, 2)
		deaf.Store(false)
		if bytes := window(); bytes != 0 {
			t.Errorf("%d bytes of another's partition count as under way", bytes)
		}
		c.nodes[2].produce(0, "by the other")
		c.alike(0)
	})
}

// Goal: a partition that has much to catch up with does not hold up those that live.
// Method: one of 64 lacks 20 MB. While that is under way all the others get a record,
// and each of these has to be in one of the next frames.
func TestLivePartitionsPassOneThatCatchesUp(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, c *cluster) {
		c.proposes = false
		const partitions, behind = 64, 7
		c.create(partitions, 1, 2)
		for i := range model.Partition(partitions) {
			c.nodes[1].produce(i, "first")
		}
		c.disconnect(2)
		large := strings.Repeat("x", 200<<10)
		for range 100 {
			_ = c.nodes[1].append(behind, large)
		}
		var started, appended atomic.Bool
		var frames atomic.Int32 // since all are appended
		var passed sync.Map     // partition → frame
		c.mu.Lock()
		c.tamper = func(_ link, toFollower bool, frame []byte) {
			if !toFollower || len(frame) <= entryHeaderBytes {
				return
			}
			started.Store(true)
			n := int32(0)
			if appended.Load() {
				n = frames.Add(1)
			}
			for rest := frame; len(rest) > 0; {
				e, after, err := nextEntry(rest)
				if err != nil {
					t.Error(err)
					return
				}
				if len(e.batches) > 0 && e.partition != behind {
					passed.Store(e.partition, n)
				}
				rest = after
			}
		}
		c.mu.Unlock()
		c.connect(2)
		for !started.Load() {
			pass(time.Microsecond)
		}
		var pending []partition.Pending
		for i := range model.Partition(partitions) {
			if i != behind {
				pending = append(pending, c.nodes[1].append(i, "live"))
			}
		}
		appended.Store(true)
		for _, p := range pending {
			c.acknowledged(p)
		}
		for i := range model.Partition(partitions) {
			if n, ok := passed.Load(i); i != behind && (!ok || n.(int32) > 3) {
				t.Errorf("partition %d had to wait for %v frames", i, n)
			}
		}
		c.alike(behind)
	})
}
