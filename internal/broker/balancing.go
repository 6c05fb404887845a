package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/membership"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/throttle"
)

const (
	// balanceStep is how often moves that are under way are looked at.
	balanceStep = time.Second
	// reportMax bounds how long a node takes to say what it stores.
	reportMax = 10 * time.Second
	// paceEvery is how often nodes are told again how fast moves copy: one may have been
	// started meanwhile. tellMax bounds how long a node takes to hear it.
	paceEvery, tellMax = 10 * time.Second, 2 * time.Second
	// roomShare of a disk is left free by moves.
	roomShare = 20
)

// balancing has the cluster even itself out while this node is the active controller
// (balancer.enable): it asks all nodes what they store, tells that to a balance.Keeper, and
// carries out what that decides. One goroutine uses it. A node that becomes the controller
// begins with a Keeper of its own.
type balancing struct {
	b            *Broker
	keeper       *balance.Keeper // nil: another node is the controller
	older, newer *balance.Survey
	next         time.Time       // when nodes are asked again
	copies       []throttle.Copy // as nodes were told
	toldAt       time.Time
	untold       bool // a node has not said that it has heard
}

// run looks at the cluster every interval, and more often while something moves.
func (x *balancing) run(ctx context.Context) error {
	timer := time.NewTimer(x.b.config.Cluster.Balancer.Interval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			timer.Reset(x.look(ctx))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look returns when to look again.
func (x *balancing) look(ctx context.Context) time.Duration {
	o := x.b.config.Cluster.Balancer
	if x.b.quorum.Leader() != x.b.config.NodeID {
		*x = balancing{b: x.b}
		return o.Interval
	}
	if x.keeper == nil {
		x.keeper = balance.NewKeeper(o.BytesPerSecond, o.Interval)
	}
	asked := false
	if !time.Now().Before(x.next) {
		x.next = time.Now().Add(o.Interval)
		survey, err := x.survey(ctx)
		if err != nil {
			x.b.logger.Info("Balancer waits", "reason", err)
		} else {
			x.older, x.newer, asked = x.newer, survey, true
		}
	}
	if x.newer != nil {
		now, c := time.Now(), controller.BalanceCluster(x.b.quorum.Image())
		c.Measure(x.older, x.newer)
		var d balance.Decision
		if asked {
			d = x.keeper.Survey(now, c)
		} else if x.keeper.Busy() {
			d = x.keeper.Follow(now, c)
		}
		x.pace(ctx, c)
		x.carryOut(ctx, d)
	}
	if x.keeper.Busy() {
		return balanceStep
	}
	return max(0, time.Until(x.next))
}

// survey asks every node what it stores; all have to answer.
func (x *balancing) survey(ctx context.Context) (*balance.Survey, error) {
	ctx, cancel := context.WithTimeout(ctx, reportMax)
	defer cancel()
	brokers := x.b.quorum.Image().Brokers.Sorted()
	reports := make([]*balance.Report, len(brokers))
	g, ctx := errgroup.WithContext(ctx)
	for i, node := range brokers {
		if node.ID == x.b.config.NodeID {
			reports[i] = x.b.report()
			continue
		}
		g.Go(func() error {
			answer, err := x.b.nodes.network.Request(ctx, node.ID, membership.KindLoads, nil)
			if err == nil {
				err = json.Unmarshal(answer, &reports[i])
			}
			if err != nil {
				return fmt.Errorf("node %d does not say what it stores: %w", node.ID, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s := &balance.Survey{At: time.Now(), Reports: make(map[model.NodeID]*balance.Report, len(brokers))}
	for i, node := range brokers {
		s.Reports[node.ID] = reports[i]
	}
	return s, nil
}

// carryOut says what was decided, and asks for it. What does not get through the Keeper
// finds not to have happened.
func (x *balancing) carryOut(ctx context.Context, d balance.Decision) {
	log := x.b.logger
	if d.Waits != "" {
		log.Info("Balancer waits", "reason", d.Waits)
	}
	for i := range d.Dropped {
		log.Info("Balancer drops a move: it was refused, or somebody else has decided otherwise", "partition", d.Dropped[i].Partition, "to", d.Dropped[i].To)
	}
	if d.Ended {
		log.Info("Balancer finds the cluster even")
	}
	if len(d.Planned) > 0 {
		plan := balance.Plan{Moves: d.Planned}
		log.Info("Balancer evens the cluster out", "partitions", len(d.Planned), "copies", balance.Bytes(plan.Bytes()))
	}
	for i := range d.Begin {
		m := &d.Begin[i]
		log.Info("Balancer moves a partition", "partition", m.Partition, "from", m.From, "to", m.To, "copies", balance.Bytes(m.Bytes), "reason", m.Reason)
	}
	for _, command := range controller.BalanceCommands(&d) { // decided here: another controller decides for itself
		if _, err := x.b.quorum.Submit(ctx, command); err != nil && ctx.Err() == nil {
			log.Info("Balancer waits", "reason", err)
		}
	}
}

// pace tells every node how fast moves copy: whichever comes to lead their partitions. It
// does so before they begin.
func (x *balancing) pace(ctx context.Context, c *balance.Cluster) {
	copies, in := copiesOf(x.keeper.UnderWay(), c)
	changed := !slices.EqualFunc(copies, x.copies, throttle.Copy.Equal)
	again := time.Since(x.toldAt) >= paceEvery && (len(copies) > 0 || x.untold)
	if !changed && !again {
		return
	}
	x.copies, x.toldAt = copies, time.Now()
	// What is produced meanwhile comes on top: at less than that a copy would never end.
	paced := &throttle.Paced{BytesPerSecond: x.b.config.Cluster.Balancer.BytesPerSecond + in, Copies: copies}
	body, err := json.Marshal(paced)
	if err != nil {
		panic("broker: BUG: " + err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, tellMax)
	defer cancel()
	var g errgroup.Group
	for _, node := range x.b.quorum.Image().Brokers.Sorted() {
		if node.ID == x.b.config.NodeID {
			x.b.nodes.streams.Pace(paced)
			continue
		}
		g.Go(func() error {
			_, err := x.b.nodes.network.RequestSince(ctx, model.Protocol2, node.ID, membership.KindPace, body)
			if err != nil && changed {
				x.b.logger.Info("Balancer cannot tell a node how fast moves copy: what that leads is copied as fast as it goes", "broker", node.ID, "error", err)
			}
			return err
		})
	}
	x.untold = g.Wait() != nil
}

// copiesOf are those of the moves that copy anything and have not ended, in the order of the
// partitions, and how many bytes a second are produced to these.
func copiesOf(moves []balance.Move, c *balance.Cluster) (copies []throttle.Copy, in int64) {
	by := make(map[model.TopicPartition]*balance.Move, len(moves))
	for i := range moves {
		by[moves[i].Partition] = &moves[i]
	}
	for i := range c.Partitions {
		p := &c.Partitions[i]
		m := by[p.Name]
		if m == nil || !p.Moving && slices.Equal(p.Replicas, m.To) {
			continue
		}
		if to := m.Targets(); len(to) > 0 {
			in += p.In
			copies = append(copies, throttle.Copy{Topic: p.Name.Topic, Partition: p.Name.Partition, To: to})
		}
	}
	return copies, in
}

// paced is what another node's balancing has told this one.
func (b *Broker) paced(body []byte) error {
	p := new(throttle.Paced)
	if err := json.Unmarshal(body, p); err != nil {
		return err
	}
	if p.BytesPerSecond <= 0 {
		return fmt.Errorf("moves are to copy %d bytes a second", p.BytesPerSecond)
	}
	b.nodes.streams.Pace(p)
	return nil
}

// report is what this node stores, and how much consumers have read of it.
func (b *Broker) report() *balance.Report {
	r := &balance.Report{RoomBytes: -1, Topics: make(map[string]balance.TopicReport)}
	if usage, err := b.fs.Usage(b.dir.path); err == nil {
		r.RoomBytes = max(0, int64(usage.FreeBytes)-int64(usage.TotalBytes)/roomShare)
	}
	for p := range b.partitions.All() {
		name := p.Name()
		t := r.Topics[name.Topic]
		if t.Bytes == nil {
			t.Bytes = make(map[model.Partition]int64)
		}
		t.Bytes[name.Partition] = p.SizeBytes()
		r.Topics[name.Topic] = t
	}
	for _, counts := range b.handler.Stats().Topics {
		if t, ok := r.Topics[counts.Topic]; ok {
			t.Out = counts.BytesOut
			r.Topics[counts.Topic] = t
		}
	}
	return r
}

// reported is report for another node.
func (b *Broker) reported() ([]byte, error) {
	if !started(b.ready) {
		return nil, fmt.Errorf("node %d is still starting", b.config.NodeID)
	}
	return json.Marshal(b.report())
}
