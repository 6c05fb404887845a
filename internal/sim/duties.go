package sim

import (
	"slices"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/replica"
)

// toController sends something to the node that leads the quorum, as far as this
// one knows.
func (p *process) toController(do func(*process)) {
	if leader := p.machine.Leader(); leader != model.NoNode {
		p.sendTo(int(leader), do)
	}
}

// sendTo has a node's process do something: this one at once, another's when a
// datagram arrives.
func (p *process) sendTo(node int, do func(*process)) {
	if node == p.node.index {
		p.w.schedule(0, p, func() { do(p) })
		return
	}
	p.c.net.datagram(p.node.index, node, do)
}

// maybeRegister registers this run until the image has it.
func (p *process) maybeRegister() {
	if p.registered {
		return
	}
	d := p.node.disk
	command := controller.RegisterBroker{
		Node: p.node.id(), Incarnation: p.incarnation, Directory: d.directory, Rack: p.node.rack,
		Endpoints: []meta.Endpoint{{Listener: "PLAINTEXT", Host: "simulated", Port: 9092, Protocol: "PLAINTEXT"}},
		Fenced:    true, Unclean: d.unclean, Supports: meta.Supported,
	}
	if b := p.image.Brokers.ByID(p.node.id()); b != nil {
		command.Previous = b.Epoch
	}
	p.toController(func(dst *process) { dst.submit(command) })
}

// heartbeat tells the controller that this broker lives. The answer, which comes
// after a proof of the controller's leadership that began later, renews the lease
// from now on.
func (p *process) heartbeat() {
	if !p.registered {
		return
	}
	sent := p.clock()
	from := p.node.index
	beat := controller.Heartbeat{Node: p.node.id(), BrokerEpoch: p.brokerEpoch, Leave: p.leaving, Supports: meta.Supported}
	if p.recovered {
		beat.Applied = p.image.Index
	}
	p.toController(func(dst *process) {
		dst.takeHeartbeat(beat, func(answer controller.HeartbeatAnswer) {
			dst.sendTo(from, func(now *process) {
				if now == p {
					p.heartbeatAnswered(sent, answer)
				}
			})
		})
	})
}

func (p *process) heartbeatAnswered(sent time.Time, answer controller.HeartbeatAnswer) {
	switch {
	case !answer.Known:
	case answer.Fenced:
		p.lease.Revoke()
	default:
		p.lease.Renew(sent)
	}
	if p.leaving && answer.MayStop {
		p.c.stats.CleanStops++
		p.node.crash(stopped, "stopped in order")
	}
}

// takeHeartbeat is the controller's part.
func (p *process) takeHeartbeat(beat controller.Heartbeat, answer func(controller.HeartbeatAnswer)) {
	if p.supervisor == nil {
		return
	}
	arrived := p.clock()
	done := func(r quorum.Reply) {
		if r.Err != nil || p.supervisor == nil {
			return
		}
		a := p.supervisor.Heartbeat(arrived, p.clock(), beat)
		p.supervise()
		answer(a)
	}
	if err := p.machine.Confirm(done); err != nil {
		return
	}
	p.settle()
}

// noteLeadership starts and ends the controller's duties with Raft's leadership.
func (p *process) noteLeadership() {
	leads := p.machine.Leads()
	if leads {
		p.c.checkers.ElectionSafety.check(p.c.checkers, p.node.index, p.machine.Term())
	}
	switch {
	case !leads && p.supervisor != nil:
		p.supervisor = nil
		p.w.note(p.node.index, "no longer controller")
	case leads && (p.supervisor == nil || p.term != p.machine.Term()) && p.machine.CanDecide() && p.image.Index == p.machine.Applied():
		p.term = p.machine.Term()
		p.supervisor = controller.NewSupervisor(p.image, p.clock(), p.c.timing.supervisor, false)
		p.c.stats.Controllers++
		p.w.note(p.node.index, "controller, term %d", int64(p.term))
		p.supervise()
	}
}

// supervise carries out what the supervisor wants done.
func (p *process) supervise() {
	s := p.supervisor
	effects := s.Effects()
	for _, command := range effects.Commands {
		p.proposals = append(p.proposals, quorum.Proposal{Command: command, Term: p.term})
	}
	for _, q := range effects.Questions {
		p.ask(q)
	}
	for _, node := range effects.Probes {
		p.probe(node)
	}
	if len(effects.Commands) > 0 {
		p.w.schedule(0, p, p.settle)
	}
	if next, ok := s.NextTick(); ok {
		p.arm(&p.tick, next, func() {
			if p.supervisor != nil {
				p.supervisor.Tick(p.clock())
				p.supervise()
			}
		})
	}
}

// ask brings an election's questions to a broker.
func (p *process) ask(q controller.Question) {
	from := p.node.index
	p.sendTo(int(q.Node), func(dst *process) {
		if dst.registered && dst.brokerEpoch == q.BrokerEpoch {
			dst.takeQuestions(from, q.Items)
		}
	})
}

func (p *process) takeQuestions(from int, items []controller.QuestionItem) {
	for _, item := range items {
		topic := p.image.Topics.ByID(item.Topic)
		if topic == nil {
			continue // asked again
		}
		i := p.c.partitionOf(topic.Name)
		h := p.replicas[i]
		if h == nil {
			continue
		}
		h.asker = from
		h.machine.Ask(item.LeaderEpoch)
		p.carry(i)
		if p.dead {
			return
		}
	}
}

func (p *process) reply(i int, h *host, a replica.Answer) {
	topic := p.image.Topics.ByName(p.c.topics[i])
	answer := controller.Answer{Node: p.node.id(), BrokerEpoch: p.brokerEpoch, Items: []controller.AnswerItem{{
		Topic: topic.ID, LeaderEpoch: a.LeaderEpoch, NormalEpoch: a.NormalEpoch, LogEnd: a.End, HighWatermark: a.HighWatermark, LastEpoch: a.LastEpoch,
	}}}
	p.w.note(p.node.index, "partition %d: answers epoch %d with normal %d, end %d", int64(i), int64(a.LeaderEpoch), int64(a.NormalEpoch), int64(a.End))
	p.c.ambush(onAnswer, p.node, i)
	p.sendTo(h.asker, func(dst *process) {
		if dst.supervisor != nil {
			dst.supervisor.Answer(dst.clock(), answer)
			dst.supervise()
		}
	})
}

// connectionLost: a node's process has died, or so it seems.
func (p *process) connectionLost(node model.NodeID) {
	if p.c.seesDeath && p.machine.Leader() == node {
		p.replaceLeader(node)
	}
	if p.supervisor != nil {
		p.supervisor.ConnectionLost(p.clock(), node)
		p.supervise()
	}
}

// replaceLeader forgets a leader of the quorum that is known to be gone, and has the
// first of the voters that are left call an election.
func (p *process) replaceLeader(gone model.NodeID) {
	n := p.c.nodes[gone]
	if p.c.net.blocked[p.node.index][n.index] || p.c.net.blocked[n.index][p.node.index] {
		return // no answer
	}
	p.w.schedule(p.c.net.latency()*2, p, func() {
		if n.process != nil {
			return
		}
		p.machine.LeaderGone(gone)
		left := slices.DeleteFunc(slices.Sorted(slices.Values(p.machine.Members().Voters)), func(v model.NodeID) bool { return v == gone })
		if len(left) > 0 && left[0] == p.node.id() {
			_ = p.machine.Campaign() // a learner cannot
		}
		p.settle()
	})
}

// probe connects to a node anew: its kernel refuses where no process listens.
func (p *process) probe(node model.NodeID) {
	b := p.image.Brokers.ByID(node)
	if b == nil {
		return
	}
	brokerEpoch := b.Epoch
	n := p.c.nodes[node]
	from := p.node.index
	if p.c.net.blocked[from][n.index] || p.c.net.blocked[n.index][from] {
		return // no answer
	}
	p.w.schedule(p.c.net.latency()*2, p, func() {
		switch {
		case p.supervisor == nil:
			return
		case n.process == nil:
			p.supervisor.ProbeRefused(p.clock(), node, brokerEpoch)
		case n.paused:
			return // the kernel accepts, and nobody answers
		default:
			p.supervisor.ProbeAnswered(p.clock(), node)
		}
		p.supervise()
	})
}
