package membership

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

func createTopic(name string) controller.CreateTopics {
	return controller.CreateTopics{Topics: []controller.CreateTopic{{Name: name, Partitions: 1, ReplicationFactor: 3}}}
}

// Whoever is asked, the command is decided once, and its outcome is in the image of who
// was asked.
func TestCommandsAreDecidedWhereverTheyAreGiven(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		for i, n := range c.running() {
			name := fmt.Sprint("t", i)
			result, err := n.router.Submit(context.Background(), createTopic(name))
			if err != nil {
				t.Fatal(err)
			}
			created := result.(controller.CreateTopicsResult).Topics[0]
			topic := n.quorum.Image().Topics.ByName(name)
			if created.Err != nil || topic == nil || topic.ID != created.ID {
				t.Errorf("node %d: %+v, and in its image %+v", n.id, created, topic)
			}
			again, err := n.router.Submit(context.Background(), createTopic(name))
			if err != nil {
				t.Fatal(err)
			}
			if refused := again.(controller.CreateTopicsResult).Topics[0].Err; refused == nil || refused.Code != wire.CodeOf(kerr.TopicAlreadyExists) {
				t.Errorf("node %d, made twice: %v", n.id, refused)
			}
		}
		if arrived := c.w.arrived(KindCommand); arrived < 4 {
			t.Errorf("%d commands came from other nodes", arrived)
		}
	})
}

// A refusal is told as it is.
func TestRefusalIsToldAsItIs(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		for _, n := range c.running() {
			_, err := n.router.Submit(context.Background(), controller.UnregisterBroker{Node: 9})
			refused, ok := errors.AsType[*wire.Error](err)
			if !ok || refused.Code != wire.CodeOf(kerr.BrokerIDNotRegistered) {
				t.Errorf("node %d: %v", n.id, err)
			}
		}
	})
}

// A command whose answer is lost may have been carried out: it is not sent again.
func TestLostOutcomeIsTold(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, asker := c.controller(), c.others()[0]
		c.w.silence(KindCommand, true)
		done := make(chan error, 1)
		go func() {
			_, err := asker.router.Submit(context.Background(), createTopic("t"))
			done <- err
		}()
		if !until(func() bool { return asker.quorum.Image().Topics.ByName("t") != nil }) {
			t.Fatal("it is not carried out")
		}
		before := c.w.arrived(KindCommand)
		c.kill(active)
		if err := <-done; !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("the asker is told %v", err)
		}
		c.w.silence(KindCommand, false)
		c.controller()
		if arrived := c.w.arrived(KindCommand); arrived != before {
			t.Errorf("the command arrived %d times more", arrived-before)
		}
	})
}

// While nobody leads a command waits, and is decided when somebody does; or its patience
// ends.
func TestCommandWaitsForAController(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, asker := c.controller(), c.others()[0]
		c.kill(active)
		if _, err := asker.router.Submit(context.Background(), createTopic("t")); err != nil {
			t.Errorf("between two controllers: %v", err)
		}
		for _, n := range c.running() {
			if n != asker {
				c.kill(n)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := asker.router.Submit(ctx, createTopic("u")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("alone: %v", err)
		}
	})
}

// Who is asked for what it has not heard of yet asks the controller.
func TestCatchUpFindsWhatTheControllerKnows(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active := c.controller()
		for i := range 20 {
			name := fmt.Sprint("t", i)
			if _, err := active.router.Submit(context.Background(), createTopic(name)); err != nil {
				t.Fatal(err)
			}
			for _, n := range c.running() {
				if image := n.router.CatchUp(context.Background()); image.Topics.ByName(name) == nil {
					t.Errorf("node %d does not find %s", n.id, name)
				}
			}
		}
		cutOff := c.others()[0]
		c.w.isolate(cutOff.id, true)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if image := cutOff.router.CatchUp(ctx); image.Topics.ByName("t0") == nil {
			t.Error("who cannot ask does not know what it knew")
		}
	})
}

// A controller that is behind others with what an image asks of it, such as to lead, waits
// for itself: a client that one of them told of it was sent away, to come back in seconds.
func TestCatchUpWaitsForWhatIsAppliedAndNotServedYet(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, other := c.controller(), c.others()[0]
		active.slow.Store(int64(50 * time.Millisecond))
		submitted := make(chan error, 1)
		go func() {
			_, err := other.router.Submit(context.Background(), createTopic("t"))
			submitted <- err
		}()
		if _, err := other.quorum.Await(context.Background(), func(i *meta.Image) bool { return i.Topics.ByName("t") != nil }); err != nil {
			t.Fatal(err)
		}
		if active.quorum.Image().Topics.ByName("t") != nil {
			t.Fatal("the controller is not behind")
		}
		for _, n := range []*node{active, c.others()[1]} {
			if n.router.CatchUp(context.Background()).Topics.ByName("t") == nil {
				t.Errorf("node %d does not find it", n.id)
			}
		}
		if err := <-submitted; err != nil {
			t.Error(err)
		}
	})
}

// Only the leader knows how far the others are; every node tells of it.
func TestStatusIsTheLeaders(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		<-time.After(time.Second)
		for _, n := range c.running() {
			status := n.router.Status(context.Background())
			if len(status.Voters) != 3 {
				t.Fatalf("node %d: %+v", n.id, status)
			}
			for _, v := range status.Voters {
				if v.LogEnd == model.NoOffset {
					t.Errorf("node %d does not say how far node %d is", n.id, v.Node)
				}
			}
		}
	})
}

// Who waits is served by a round that begins later; rounds keep their distance.
func TestRoundsServeWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var began []time.Duration
		start := time.Now()
		r := rounds{interval: 100 * time.Millisecond, do: func(context.Context) error {
			began = append(began, time.Since(start))
			<-time.After(10 * time.Millisecond)
			return nil
		}}
		await := func() chan time.Duration {
			served := make(chan time.Duration, 1)
			go func() {
				if err := r.await(context.Background()); err != nil {
					t.Error(err)
				}
				served <- time.Since(start)
			}()
			synctest.Wait()
			return served
		}
		first := await()
		second, third := await(), await() // the first round has begun without them
		if at := <-first; at != 10*time.Millisecond {
			t.Errorf("the first was served after %v", at)
		}
		if a, b := <-second, <-third; a != 110*time.Millisecond || b != a {
			t.Errorf("who came later was served after %v and %v", a, b)
		}
		if at := <-await(); at != 210*time.Millisecond {
			t.Errorf("who came when that was over was served after %v", at)
		}
		if len(began) != 3 {
			t.Errorf("rounds began at %v", began)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := r.await(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("who does not wait is told %v", err)
		}
		<-time.After(time.Second) // its round comes all the same
	})
}

// Whatever another node sends, it is taken or refused.
func FuzzArrivals(f *testing.F) {
	f.Add(encode(controller.Question{Node: 1, Items: []controller.QuestionItem{{Topic: model.UUID{1}, LeaderEpoch: 3}}}))
	f.Add(encode(controller.Answer{Node: 2, BrokerEpoch: 7, Items: []controller.AnswerItem{{Partition: 1, LogEnd: 9}}}))
	f.Add(encode(controller.Heartbeat{Node: 1, Leave: true}))
	f.Add(encode(decided{Result: []byte(`{"type":"BrokerChanged"}`), Index: 3}))
	f.Add([]byte(`{"Items":[{"Partition":-1}]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, body []byte) {
		office := &Office{}
		office.mu.image = new(meta.Image)
		m := New(Options{Node: 1, Office: office, Partitions: none{}})
		m.mu.epoch = 7
		_ = m.Asked(2, body)
		_ = m.Answered(2, body)
		if d, err := decode[decided](body); err == nil {
			if _, err := decode[decided](encode(d)); err != nil {
				t.Errorf("%+v is written as what cannot be read: %v", d, err)
			}
		}
		_, _ = decode[controller.Heartbeat](body)
		_, _ = decode[uint64](body)
	})
}
