package replica

import (
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// leading is what a leader knows, and forgets when its epoch ends.
type leading struct {
	// electedEnd is the log end when it was elected: earlier leaders may have
	// committed up to there.
	electedEnd model.Offset
	// saving: the normal epoch is on its way to the disk.
	saving bool
	// end is the log end as of the newest event: who holds all below it has caught up.
	end model.Offset
	// progress is of the members of the view, by their place in it.
	progress []progress
	pending  pending
}

type earlyPosition struct {
	from model.NodeID
	m    Message
}

// progress is what a leader knows of one follower, by its stream.
type progress struct {
	stream Stream
	// agreed: the logs are known to agree below next. ready: the follower has cut what
	// did not, and said so; what came before it would drop.
	agreed, ready bool
	// next is the offset to send next. acked is the follower's durable end.
	// Invariant while agreed: acked ≤ next ≤ log end.
	next, acked model.Offset
	// normal: the follower holds all that this leader held when elected, and said so.
	normal bool
	// hwSent and startSent are the high watermark and the log start that it was told
	// last.
	hwSent, startSent model.Offset

	// caughtUp is when it last had all there was; markEnd was the log's end at mark.
	caughtUp, mark time.Time
	markEnd        model.Offset
}

// counted is what the follower holds for certain, for the high watermark.
func (p *progress) counted() model.Offset {
	if p.normal || plant.On(plant.CountBeforeNormal) {
		return p.acked
	}
	return 0
}

func (r *Replica) becomeLeader(now time.Time) {
	r.role = leader
	r.lead = leading{
		electedEnd: r.log.EndOffset(),
		end:        r.log.EndOffset(),
		progress:   make([]progress, len(r.view.Members)),
	}
	for i := range r.lead.progress {
		r.lead.progress[i].caughtUp, r.lead.progress[i].mark = now, now
	}
	epoch := r.view.LeaderEpoch
	if !plant.On(plant.EpochStartNotRecorded) {
		r.emit(Effect{Kind: StartEpoch, Epoch: epoch})
	}
	r.maybeSaveNormal()
	early := r.early
	r.early = nil
	for _, e := range early {
		if e.m.Epoch >= epoch {
			r.receivePosition(e.from, e.m, now)
		}
	}
}

// maybeSaveNormal makes a leader normal in its epoch once it holds *durably* what it
// was elected for. It may have been elected for records that it had written and not
// synced: were it normal already when it lost them with its power, it would beat who
// still has them.
func (r *Replica) maybeSaveNormal() {
	epoch := r.view.LeaderEpoch
	synced := r.durable >= r.lead.electedEnd || plant.On(plant.NormalBeforeSynced)
	if r.lead.saving || r.normal >= epoch || !synced {
		return
	}
	r.lead.saving = true
	r.emit(Effect{Kind: SaveNormal, Epoch: epoch})
}

// ElectedEnd is the log end when this leader was elected. While the high
// watermark is below it, consumers are told to wait rather than that an offset is
// out of range (KIP-207).
func (r *Replica) ElectedEnd() model.Offset { return r.lead.electedEnd }

// viewChanged takes a version of the same epoch: another set, or other brokers.
func (r *Replica) viewChanged(old View, now time.Time) {
	if !slices.EqualFunc(r.view.Members, old.Members, func(a, b Member) bool { return a.Node == b.Node }) {
		r.reorderProgress(old)
	}
	for i := range r.lead.progress {
		m := &r.view.Members[i]
		if was := old.index(m.Node); !m.InSync || was >= 0 && old.Members[was].InSync {
			continue
		}
		r.lead.progress[i].caughtUp = now // it has joined: its time begins
	}
	if r.lead.pending.change.PartitionEpoch < r.view.PartitionEpoch {
		r.lead.pending = pending{} // carried out, refused, or overtaken
	}
	r.advance()
	r.checkISR(now)
}

// reorderProgress follows a change of the replicas.
func (r *Replica) reorderProgress(old View) {
	next := make([]progress, len(r.view.Members))
	for i, m := range r.view.Members {
		if was := old.index(m.Node); was >= 0 {
			next[i] = r.lead.progress[was]
		}
	}
	r.lead.progress = next
	r.lead.pending.members = 0
	for _, m := range r.lead.pending.change.ISR {
		if i := r.view.index(m.Node); i >= 0 {
			r.lead.pending.members.add(i)
		}
	}
}

// Appended tells that records were appended: a client's to a leader, or those of an
// Append effect to a follower.
func (r *Replica) Appended(now time.Time) {
	switch r.role {
	case leader:
		r.noteCaughtUp(now)
		if plant.On(plant.LeaderCountsUnsynced) {
			r.durable = r.log.EndOffset()
			r.advance()
		}
		r.checkISR(now)
	case followed:
		if plant.On(plant.FollowerAcksUnsynced) {
			r.acknowledge()
		}
		r.followMark()
	case idle, asking, cutting:
	}
}

// noteCaughtUp: members that held all that there was before an append had caught up
// until now. After an idle hour the first record finds nobody lagging.
func (r *Replica) noteCaughtUp(now time.Time) {
	end := r.log.EndOffset()
	for i := range r.lead.progress {
		if p := &r.lead.progress[i]; p.normal && p.acked >= r.lead.end {
			p.caughtUp, p.mark, p.markEnd = now, now, end
		}
	}
	r.lead.end = end
}

// receivePosition is a follower that begins a stream: the leader tells where the
// logs diverge (KIP-101, and KIP-279 for one step after another).
func (r *Replica) receivePosition(from model.NodeID, m Message, now time.Time) {
	if m.Epoch > r.view.LeaderEpoch {
		r.noteEarly(from, m)
		return
	}
	p := r.progressOf(from)
	if p == nil || !p.stream.before(m.Stream) {
		return // a copy of the newest, too: the follower has gone on from there
	}
	*p = progress{
		stream: m.Stream, caughtUp: r.caughtUp(r.view.index(from), now), mark: now, markEnd: r.log.EndOffset(),
		hwSent: -1, startSent: -1,
	}
	reply := Message{Stream: m.Stream, Epoch: r.view.LeaderEpoch, ElectedEnd: r.lead.electedEnd, HighWatermark: r.hw}
	start, end := r.log.StartOffset(), r.log.EndOffset()
	epoch, epochEnd := r.log.EpochEnd(m.LastEpoch)
	switch {
	case m.Start == m.End && start <= m.End && m.End <= end: // nothing that could diverge
		reply.Kind, reply.End = Agreed, m.End
	case m.End < start, epoch == model.NoLeaderEpoch:
		// What it has lies below all that this log knows of.
		reply.Kind, reply.End, reply.StartOver = Agreed, start, true
	case epoch == m.LastEpoch:
		reply.Kind, reply.End = Agreed, min(m.End, epochEnd)
	default:
		reply.Kind, reply.LastEpoch, reply.End = Diverged, epoch, epochEnd
	}
	if plant.On(plant.TruncateToHighWatermark) && !reply.StartOver {
		reply.Kind, reply.End = Agreed, min(m.HighWatermark, end)
	}
	if reply.Kind == Agreed {
		p.agreed, p.next = true, reply.End
	}
	r.emit(Effect{Kind: Send, Node: from, Message: reply})
}

// noteEarly keeps the newest position of a follower that is ahead in metadata.
func (r *Replica) noteEarly(from model.NodeID, m Message) {
	for i := range r.early {
		if e := &r.early[i]; e.from == from {
			if !m.Stream.before(e.m.Stream) {
				e.m = m
			}
			return
		}
	}
	if len(r.early) < earlyPositionsMax {
		r.early = append(r.early, earlyPosition{from, m})
	}
}

// earlyPositionsMax bounds what is kept for an epoch that may never come. Who finds no
// room asks again.
const earlyPositionsMax = 32

func (r *Replica) progressOf(node model.NodeID) *progress {
	if r.role != leader || node == r.node {
		return nil
	}
	i := r.view.index(node)
	if i < 0 {
		return nil
	}
	return &r.lead.progress[i]
}

func (r *Replica) receiveAck(from model.NodeID, m Message, now time.Time) {
	p := r.progressOf(from)
	if p == nil || m.Epoch != r.view.LeaderEpoch || !p.agreed ||
		m.Stream != p.stream && !plant.On(plant.StaleStreamAccepted) {
		return
	}
	if m.End > r.log.EndOffset() {
		return // no follower that agreed has more than its leader
	}
	p.acked, p.normal, p.ready = max(p.acked, m.End), p.normal || m.Normal, true
	end := r.log.EndOffset()
	switch {
	case p.acked >= end:
		p.caughtUp, p.mark, p.markEnd = now, now, end
	case p.acked >= p.markEnd:
		p.caughtUp, p.mark, p.markEnd = p.mark, now, end
	}
	r.advance()
	r.checkISR(now)
}

// Next is what to send a follower: batches from End on, or none where End is the
// log's end or lies below its start; the high watermark, and the log start. ok is
// false where it has all of that, or has not agreed yet.
func (r *Replica) Next(node model.NodeID) (m Message, ok bool) {
	p := r.progressOf(node)
	if p == nil || !p.agreed || !p.ready ||
		p.next >= r.log.EndOffset() && p.hwSent >= r.hw && p.startSent >= r.log.StartOffset() {
		return Message{}, false
	}
	return Message{
		Kind: Data, Stream: p.stream, Epoch: r.view.LeaderEpoch, Start: r.log.StartOffset(), End: p.next,
		HighWatermark: r.hw, NewestEpoch: model.NoLeaderEpoch,
	}, true
}

// Known is what a leader knows of a follower's log: what it holds durably, and when it
// last had all there was. ok is false where they have not agreed yet.
func (r *Replica) Known(node model.NodeID, now time.Time) (end model.Offset, caughtUp time.Time, ok bool) {
	p := r.progressOf(node)
	if p == nil || !p.ready {
		return 0, time.Time{}, false
	}
	return p.acked, r.caughtUp(r.view.index(node), now), true
}

// Unacknowledged is how many offsets a follower has been sent beyond what it
// holds durably, for the caller's window.
func (r *Replica) Unacknowledged(node model.NodeID) model.Offset {
	p := r.progressOf(node)
	if p == nil {
		return 0
	}
	return p.next - p.acked
}

// Sent tells that the message of Next went out, with batches up to end.
func (r *Replica) Sent(node model.NodeID, m Message, end model.Offset) {
	p := r.progressOf(node)
	if p == nil || p.stream != m.Stream {
		return
	}
	p.next, p.hwSent, p.startSent = max(p.next, end), m.HighWatermark, m.Start
	// What follows for it is deleted. It sees that in Start, and begins anew.
	p.agreed = m.Start <= m.End
}
