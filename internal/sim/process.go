package sim

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/throttle"
)

// process is one run of a node: the shell around the state machines. It holds what
// a crash loses.
type process struct {
	node *node
	w    *world
	c    *cluster
	dead bool

	incarnation model.Incarnation
	machine     *quorum.Machine
	ready       *quorum.Ready
	saving      bool
	proposals   []quorum.Proposal

	image       *meta.Image // as published
	brokerEpoch model.BrokerEpoch
	registered  bool
	recovered   bool // what was found on the disk is synced
	lease       replica.Lease
	leaving     bool

	replicas   []*host // by partition; nil: not here
	syncQueued bool

	wound winding // the clock that tells the machine its ticks

	supervisor *controller.Supervisor
	term       uint64 // of the supervisor
	tick       alarm  // its

	gate          *throttle.Gate[turn]
	throttleAlarm alarm
}

// host is a replica with its waiters.
type host struct {
	machine  *replica.Replica
	log      *partitionLog
	values   settings.TopicValues
	waiters  []waiter
	incoming []record.Batch // batches of the message that is being received
	hw       model.Offset   // as the checkers know it
	tick     alarm
	asker    int // node whose controller has asked
	// committedIn is the epoch in which it has committed as leader.
	committedIn model.LeaderEpoch
	effects     []replica.Effect
	carrying    bool
	reading     []bool // by node: a read for it is under way
	// Reads for slowTo that begin after slowFrom take until slowUntil.
	slowTo              int
	slowFrom, slowUntil time.Duration
	// proposalsFrom is when proposals reach the controller again.
	proposalsFrom time.Duration
}

// waiter is a client that waits until its batch is committed.
type waiter struct {
	end    model.Offset
	base   model.Offset
	answer func(produceAnswer)
}

func newProcess(n *node) *process {
	c := n.c
	return &process{
		node: n, w: c.w, c: c,
		incarnation: c.newID(),
		image:       new(meta.Image),
		lease:       replica.NewLease(c.timing.lease),
		replicas:    make([]*host, len(c.topics)),
		gate:        throttle.NewGate[turn](),
	}
}

// begin starts the machines and the timers.
func (p *process) begin() {
	d := p.node.disk
	d.raft.reopened()
	image, err := meta.DecodeSnapshot(d.raft.snap.GetData())
	if err != nil {
		panic(err) // the simulator wrote it
	}
	p.machine, err = quorum.NewMachine(quorum.MachineOptions{
		Node: p.node.id(), Storage: &d.raft, Image: image, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	if p.machine.Alone() {
		if err := p.machine.Campaign(); err != nil {
			panic(err)
		}
	}
	p.wound.began = p.w.now - p.w.between(0, quorum.TickInterval)
	p.every(p.w.between(0, p.c.timing.heartbeat), p.c.timing.heartbeat, p.heartbeat)
	p.every(0, 300*time.Millisecond, p.maybeRegister)
	p.sync() // recovery syncs what it found
	d.submit(operation{run: p, change: func() {}, done: func() { p.recovered = true }})
	p.settle()
}

// every has the process do something at an interval, first after a delay.
func (p *process) every(first, interval time.Duration, do func()) {
	var again func()
	again = func() {
		do()
		if !p.dead {
			p.w.schedule(interval, p, again)
		}
	}
	p.w.schedule(first, p, again)
}

// clock is the time as this node's clock has it.
func (p *process) clock() time.Time { return p.w.clock().Add(p.node.ahead) }

// until is how long it takes until a time of this node's clock.
func (p *process) until(at time.Time) time.Duration { return max(at.Sub(p.clock()), time.Millisecond) }

// alarm is when a state machine wants to be called next.
type alarm struct{ at time.Duration } // 0: never

// arm has the process do something at a time of its clock, unless it is to do so
// earlier anyway.
func (p *process) arm(a *alarm, next time.Time, do func()) {
	at := p.w.now + p.until(next)
	if a.at > p.w.now && a.at <= at {
		return
	}
	a.at = at
	p.w.schedule(at-p.w.now, p, func() {
		if a.at == at {
			a.at = 0
			do()
		}
	})
}

// boundary is between two effects: a crash that was planned to come after so many
// of them may come here.
func (p *process) boundary() {
	n := p.node
	if p.c.crashAfter[n.index] > 0 {
		p.c.crashAfter[n.index]--
		if p.c.crashAfter[n.index] == 0 {
			p.c.crashNow(n)
		}
	}
}

// fence stops the process: a write or sync has failed, and that is final.
func (p *process) fence(why string) {
	p.c.stats.DiskErrors++
	how := diskError
	if !p.c.mayLosePower(p.node) {
		how = killed // this time the page cache can still be read
	}
	p.node.crash(how, why)
	p.c.restartLater(p.node)
}

// settle carries out what raft wants done, step by step, and what follows.
func (p *process) settle() {
	if p.ready != nil || p.dead {
		return
	}
	rd, err := p.machine.Ready()
	if err != nil {
		panic(err)
	}
	if rd == nil {
		p.settled()
		return
	}
	p.ready = rd
	p.step(0)
}

func (p *process) step(i int) {
	if p.dead {
		return
	}
	if i == len(p.ready.Steps) {
		p.advance()
		return
	}
	s := &p.ready.Steps[i]
	d := p.node.disk
	if s.Kind == quorum.SendMessages {
		p.boundary()
		if p.dead {
			return
		}
		p.sendRaft(s.Messages)
		p.step(i + 1)
		return
	}
	d.submit(operation{
		run:    p,
		lane:   onMetadata,
		change: func() { _ = s.Perform(context.Background(), &d.raft, nil) }, // cannot fail
		half:   func() { d.raft.halfDone(s, p.w.rng) },
		done:   func() { p.step(i + 1) },
	})
}

func (p *process) sendRaft(messages []*quorum.Message) {
	for _, m := range messages {
		if m.GetType().String() == "MsgVoteResp" {
			p.c.ambush(onVote, p.node, -1)
		}
		to := int(quorum.NodeOf(m.GetTo()))
		p.c.net.raftMessage(p.node.index, to, func(dst *process) {
			_ = dst.machine.Step(m) // what is dropped is dropped
			dst.settle()
		})
		if quorum.IsSnapshot(m) {
			// Whether it has arrived is known later, and not always right.
			p.w.schedule(p.w.between(10*time.Millisecond, time.Second), p, func() {
				p.machine.ReportSnapshot(quorum.NodeOf(m.GetTo()), p.w.chance(0.8))
				p.settle()
			})
		}
	}
}

func (p *process) advance() {
	rd := p.ready
	p.ready = nil
	replies, err := p.machine.Advance(rd)
	if err != nil {
		p.c.checkers.fail("StateMachineSafety", "node %d cannot apply what is committed: %v", p.node.index, err)
		return
	}
	p.publish()
	if p.dead || p.w.halt {
		return
	}
	p.takeReplies(replies)
	if !p.dead {
		p.settle()
	}
}

// takeReplies gives them to who asked for a proof of leadership.
func (p *process) takeReplies(replies []quorum.Reply) {
	for _, r := range replies {
		if done, ok := r.Token.(func(quorum.Reply)); ok && !p.dead {
			done(r)
		}
	}
}

// settled: raft wants nothing. The leader decides what waits.
func (p *process) settled() {
	p.wind()
	p.noteLeadership()
	if !p.saving && p.machine.WantsSnapshot(p.c.snapshots) {
		p.saveSnapshot()
	}
	if p.machine.Refuses() {
		p.proposals = nil // who sent them asks again, elsewhere
		return
	}
	if !p.machine.CanDecide() {
		return
	}
	if p.image.ClusterID == "" {
		p.proposals = append([]quorum.Proposal{{Command: p.c.initialise()}}, p.proposals...)
	}
	if len(p.proposals) == 0 {
		return
	}
	// Hardly anybody waits for the replies: what became of a command is in the image.
	var ready []quorum.Reply
	ready, p.proposals = p.machine.Decide(p.proposals, controller.Env{
		Now: p.clock(), NewID: p.c.newID, Partitions: 1, ReplicationFactor: 1,
		Heard: p.heard,
	})
	p.takeReplies(ready)
	p.settle()
}

func (p *process) saveSnapshot() {
	snap, image := p.machine.TakeSnapshot()
	snap.Data = meta.EncodeSnapshot(image)
	p.saving = true
	d := p.node.disk
	d.submit(operation{run: p, lane: onMetadata, change: func() { _ = d.raft.SaveSnapshot(snap) }, done: func() {
		d.submit(operation{run: p, lane: onMetadata, change: func() { _ = d.raft.Compact(snap, p.machine.Keep(p.c.snapshots)) }, done: func() { p.saving = false }})
	}})
}

// submit queues a command where this node leads the quorum or may. What became of it
// is in the image.
func (p *process) submit(command controller.Command) {
	if p.machine.Refuses() {
		return // the sender asks again, elsewhere
	}
	p.proposals = append(p.proposals, quorum.Proposal{Command: command})
	p.settle()
}

// publish hands a new image on.
func (p *process) publish() {
	if !p.machine.CaughtUp() {
		return
	}
	image := p.machine.Image()
	if image.Index == p.image.Index {
		return
	}
	old := p.image
	p.image = image
	p.c.observe(p.node.index, image)
	if !p.registered {
		self := image.Brokers.ByID(p.node.id())
		if self == nil || self.Incarnation != p.incarnation {
			return // history: a role in it was an earlier run's
		}
		p.registered, p.brokerEpoch = true, self.Epoch
		p.node.disk.unclean = false
		p.c.ambush(onRegister, p.node, -1)
		old = nil
	}
	delta := meta.Diff(old, image)
	if p.supervisor != nil {
		p.supervisor.Apply(delta, image, p.clock())
		p.supervise()
	}
	if len(delta.Created)+len(delta.Changed)+len(delta.Brokers)+len(delta.Configs) > 0 {
		p.applyPartitions(image)
		if !p.dead && !p.w.halt {
			p.applyThrottles(delta, image)
		}
	}
}

// applyPartitions gives every replica its view.
func (p *process) applyPartitions(image *meta.Image) {
	for i := range p.c.topics {
		topic := image.Topics.ByName(p.c.topics[i])
		if topic == nil {
			continue
		}
		part := &topic.Partitions[0]
		if !slices.Contains(part.Replicas, p.node.id()) {
			p.drop(i, part.LeaderEpoch)
			continue
		}
		minInsync, err := controller.MinInsync(image, topic)
		if err != nil {
			panic(err) // what AlterConfigs accepts is valid
		}
		view := replica.ViewOf(part, image.Brokers, minInsync)
		h := p.replicas[i]
		if h == nil {
			h = p.open(i)
		}
		p.c.checkers.EpochsForward.check(p.c.checkers, p.node.index, i, view.LeaderEpoch)
		before, led := h.machine.Leads()
		h.machine.Apply(view, p.clock())
		epoch, leads := h.machine.Leads()
		if led && (!leads || epoch != before) {
			h.failWaiters()
			p.w.note(p.node.index, "partition %d: gives up epoch %d", int64(i), int64(before))
		}
		if leads && (!led || epoch != before) {
			p.c.stats.Elections++
			p.w.note(p.node.index, "partition %d: leads epoch %d from %d", int64(i), int64(epoch), int64(h.log.EndOffset()))
			p.c.checkers.leads(p.node.index, i, epoch, h.log, h.machine.HighWatermark())
			p.c.ambush(onElected, p.node, i)
		}
		p.carry(i)
		if p.dead || p.w.halt {
			return
		}
	}
}

// drop gives up a partition that has been moved elsewhere in an epoch. Its log may outlive
// that: the removal of a directory is not synced.
func (p *process) drop(i int, in model.LeaderEpoch) {
	h := p.replicas[i]
	if h == nil {
		return
	}
	p.node.disk.dropped[i] = in
	p.w.note(p.node.index, "partition %d: is not a replica any more", int64(i))
	p.replicas[i] = nil
	h.failWaiters()
	if !p.w.chance(0.3) {
		p.node.disk.forget(i)
	}
}

func (p *process) open(i int) *host {
	d := p.node.disk
	if d.logs[i] == nil {
		d.logs[i] = newPartitionLog()
	}
	l := d.logs[i]
	h := &host{log: l, reading: make([]bool, len(p.c.nodes)), committedIn: model.NoLeaderEpoch, machine: replica.New(replica.Options{
		Node: p.node.id(), BrokerEpoch: p.brokerEpoch, Log: l, DurableEnd: l.synced, NormalEpoch: d.normal[i],
		HighWatermark: d.marks[i], LagMax: p.c.timing.lag,
	})}
	h.hw = h.machine.HighWatermark()
	h.values = p.valuesOf(p.image, i)
	d.marks[i] = h.hw
	p.replicas[i] = h
	if l.synced < l.EndOffset() {
		p.sync() // recovery does, and so does who opens a log that was left behind
	}
	return h
}

func (h *host) failWaiters() {
	waiters := h.waiters
	h.waiters = nil
	for _, w := range waiters {
		w.answer(produceAnswer{err: errNotLeader, leader: model.NoNode})
	}
}
