package explore

import (
	"fmt"
	"strings"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// story tells the events of a path, with what came of each.
func (s *search) story(path []uint16) []string {
	w := s.world
	here, _ := w.begin()
	var lines []string
	for _, i := range path {
		here, lines = w.tellForced(here, lines)
		e := w.events(&here, nil)[i]
		here, lines = w.tellOne(here, e, lines)
	}
	_, lines = w.tellForced(here, lines)
	return lines
}

// tellForced tells what follows without a choice.
func (w *world) tellForced(here state, lines []string) (state, []string) {
	for {
		e, forced := w.forced(&here)
		if !forced {
			return here, lines
		}
		here, lines = w.tellOne(here, e, lines)
	}
}

func (w *world) tellOne(here state, e event, lines []string) (state, []string) {
	next, violation := w.after(here, e)
	line := w.tellEvent(&here, e)
	if violation == nil {
		line += w.tellConsequences(&here, &next)
	}
	return next, append(lines, line)
}

func (w *world) tellEvent(s *state, e event) string {
	switch e.kind {
	case atBroker:
		return fmt.Sprintf("broker %d %s", e.node, w.tellHappening(s, e))
	case delivers:
		p := w.packets.get(e.what.arg)
		return fmt.Sprintf("broker %d receives from %d: %s", e.node, e.what.peer, tellPacket(&p))
	case decides:
		c := w.meta.commands.get(e.arg).(controller.AlterISR)
		change := &c.Changes[0]
		return fmt.Sprintf("the controller decides on broker %d's proposal of %v (lost %v), made in leader epoch %d, partition epoch %d",
			c.Node, change.ISR, change.Lost, change.LeaderEpoch, change.PartitionEpoch)
	case elects:
		c := w.meta.commands.get(e.arg).(controller.ElectLeaders)
		return fmt.Sprintf("the controller elects broker %d after leader epoch %d", c.Elections[0].Leader, c.Elections[0].LeaderEpoch)
	case hears:
		c := w.controls.get(s.control)
		a := w.meta.answers.get(c.answers[e.node] - 1).Items[0]
		return fmt.Sprintf("the controller hears broker %d: normal in %d, log end %d", e.node, a.NormalEpoch, a.LogEnd)
	case fences:
		return fmt.Sprintf("the controller fences broker %d", e.node)
	case unfences:
		return fmt.Sprintf("the controller unfences broker %d", e.node)
	case configures:
		return fmt.Sprintf("min.insync.replicas becomes %d", e.arg)
	case holds:
		return "delay: " + tellLane(1<<e.arg)
	default:
		panic("explore: an event without words")
	}
}

func tellLane(l lanes) string {
	for n := range model.NodeID(brokers) {
		for peer := range model.NodeID(brokers) {
			switch l {
			case lane(laneNetwork, n, peer):
				return fmt.Sprintf("messages from %d to %d wait", n, peer)
			case lane(lanePush, n, peer):
				return fmt.Sprintf("broker %d waits with what it has to send to %d", n, peer)
			}
		}
		switch l {
		case lane(laneDisk, n, 0):
			return fmt.Sprintf("the disk of broker %d waits", n)
		case lane(laneSync, n, 0):
			return fmt.Sprintf("broker %d waits with the sync of its log", n)
		case lane(laneMetadata, n, 0):
			return fmt.Sprintf("broker %d waits with what is new in the metadata", n)
		case lane(laneQuestion, n, 0):
			return fmt.Sprintf("the question to broker %d waits", n)
		case lane(laneAnswer, n, 0):
			return fmt.Sprintf("the answer of broker %d waits", n)
		case lane(laneProposals, n, 0):
			return fmt.Sprintf("the proposals of broker %d wait", n)
		case lane(laneUnfence, n, 0):
			return fmt.Sprintf("broker %d is not unfenced yet", n)
		}
	}
	return "the election's end waits"
}

func (w *world) tellHappening(s *state, e event) string {
	h := e.what
	switch h.kind {
	case starts:
		return "starts, and registers"
	case applies:
		return "applies the metadata: " + w.tellVersion(w.logs.get(s.log)[h.arg])
	case appends:
		return fmt.Sprintf("appends record %d", h.arg)
	case pushes:
		return fmt.Sprintf("sends to %d", h.peer)
	case operates:
		o := w.broker(s, model.NodeID(e.node)).ops[0]
		if o.kind == replica.SaveNormal {
			return fmt.Sprintf("has its normal epoch %d on disk", o.epoch)
		}
		return fmt.Sprintf("has its log cut to %d", o.offset)
	case syncs:
		return "syncs its log"
	case asked:
		return fmt.Sprintf("is asked in the election of epoch %d", h.arg)
	case lapses:
		return fmt.Sprintf("finds that %d lags", h.peer)
	case retries:
		return "has heard nothing of its proposal for long"
	case reconnects:
		return "has a new connection to its leader"
	case crashes:
		return "is killed"
	case losesPower:
		return fmt.Sprintf("loses power, and its log from %d on", h.arg)
	case empties:
		return "gets an empty disk"
	case receives:
		return "receives"
	default:
		panic("explore: a happening without words")
	}
}

func tellPacket(p *packet) string {
	m := &p.Message
	switch m.Kind {
	case replica.Position:
		return fmt.Sprintf("position %d after epoch %d (epoch %d, stream %v)", m.End, m.LastEpoch, m.Epoch, m.Stream)
	case replica.Diverged:
		return fmt.Sprintf("diverged, epoch %d ends at %d (epoch %d, stream %v)", m.LastEpoch, m.End, m.Epoch, m.Stream)
	case replica.Agreed:
		return fmt.Sprintf("agreed up to %d, elected at %d (epoch %d, stream %v)", m.End, m.ElectedEnd, m.Epoch, m.Stream)
	case replica.Ack:
		return fmt.Sprintf("acknowledged up to %d, normal %t (epoch %d, stream %v)", m.End, m.Normal, m.Epoch, m.Stream)
	case replica.Data:
		what := "no record"
		if p.full {
			what = fmt.Sprintf("record %d of epoch %d at %d", p.entry.value, p.entry.epoch, m.End)
		}
		return fmt.Sprintf("%s, high watermark %d (epoch %d, stream %v)", what, m.HighWatermark, m.Epoch, m.Stream)
	default:
		panic("explore: a message without words")
	}
}

func (w *world) tellVersion(r ref) string {
	v := w.meta.versions.get(r)
	leader := "no leader"
	if v.partition.Leader != model.NoNode {
		leader = fmt.Sprintf("leader %d", v.partition.Leader)
	}
	return fmt.Sprintf("%s, leader epoch %d, partition epoch %d, in sync %v, lost %v, min.insync.replicas %d",
		leader, v.partition.LeaderEpoch, v.partition.PartitionEpoch, v.partition.ISR, v.partition.Lost, v.minInsync)
}

// tellConsequences tells what is new: a version of the metadata, a record that is
// committed, a proposal, and how the brokers stand.
func (w *world) tellConsequences(before, after *state) string {
	var b strings.Builder
	if now := w.newest(after); now != w.newest(before) {
		fmt.Fprintf(&b, "\n      metadata: %s", w.tellVersion(now))
	}
	had := len(w.ghosts.get(before.ghost).ledger)
	for at, c := range w.ghosts.get(after.ghost).ledger {
		if at >= had {
			fmt.Fprintf(&b, "\n      record %d is committed at %d, in epoch %d", c.value, at, c.in)
		}
	}
	old := w.controls.get(before.control).proposals
	for _, p := range w.controls.get(after.control).proposals {
		if count(old, func(r ref) bool { return r == p }) == 0 {
			c := w.meta.commands.get(p).(controller.AlterISR)
			fmt.Fprintf(&b, "\n      broker %d proposes %v, lost %v", c.Node, c.Changes[0].ISR, c.Changes[0].Lost)
		}
	}
	for n := range model.NodeID(brokers) {
		if before.brokers[n] == after.brokers[n] {
			continue
		}
		if now := w.broker(after, n); now.up() {
			fmt.Fprintf(&b, "\n      %d: %v %s", n, now.log.entries, now.machine)
		}
	}
	return b.String()
}
