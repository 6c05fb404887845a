package replica

import (
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// following is what a follower knows of its stream.
type following struct {
	leader     model.NodeID
	epoch      model.LeaderEpoch
	stream     Stream
	electedEnd model.Offset // of the leader
	// then is the role after a cut.
	then role
	// cutTo and startOver say what is being cut.
	cutTo     model.Offset
	startOver bool
	// saving: the normal epoch is on its way to the disk.
	saving bool
	// asked is when the position was sent last.
	asked time.Time
	// leaderMark is the high watermark that the leader has told of.
	leaderMark model.Offset
}

func (r *Replica) becomeFollower(now time.Time) {
	r.lead = leading{}
	r.follow.leader, r.follow.epoch = r.view.Leader, r.view.LeaderEpoch
	r.follow.saving, r.follow.leaderMark = false, 0
	if r.role == cutting {
		r.follow.then = asking // with what is left after the cut
		return
	}
	r.ask(now)
}

// Reconnect tells a follower that its connection to the leader is a new one.
func (r *Replica) Reconnect(now time.Time) {
	switch r.role {
	case asking, followed:
		r.ask(now)
	case cutting:
		if r.follow.then == followed {
			r.follow.then = asking
		}
	case idle, leader:
	}
}

// askAgainAfter is when a position is sent again that is not answered: the leader
// may not have had the partition yet.
const askAgainAfter = 500 * time.Millisecond

// ask begins a stream.
func (r *Replica) ask(now time.Time) {
	r.role, r.follow.asked = asking, now
	r.follow.stream = Stream{BrokerEpoch: r.brokerEpoch, Number: r.follow.stream.Number + 1}
	r.emit(Effect{Kind: Send, Node: r.follow.leader, Message: Message{
		Kind: Position, Stream: r.follow.stream, Epoch: r.follow.epoch,
		Start: r.log.StartOffset(), End: r.log.EndOffset(), LastEpoch: r.log.LastEpoch(), HighWatermark: r.hw,
	}})
}

func (r *Replica) receiveFromLeader(from model.NodeID, m Message, now time.Time) {
	f := &r.follow
	if from != f.leader || m.Epoch != f.epoch || m.Stream != f.stream && !plant.On(plant.StaleStreamAccepted) {
		return
	}
	switch {
	case m.Kind == Diverged && r.role == asking:
		r.receiveDiverged(m)
	case m.Kind == Agreed && r.role == asking:
		r.receiveAgreed(m)
	case m.Kind == Data && r.role == followed:
		r.receiveData(m, now)
	}
}

// receiveDiverged cuts what comes after the last epoch that both logs may have in
// common, and asks again from there. Nothing of that is committed: it is not in
// the leader's log. The high watermark of the message means nothing here.
func (r *Replica) receiveDiverged(m Message) {
	epoch, end := r.log.EpochEnd(m.LastEpoch)
	switch {
	case epoch == model.NoLeaderEpoch:
		end = r.log.StartOffset()
	case epoch == m.LastEpoch:
		end = min(end, m.End)
	}
	r.cut(end, false, asking)
}

func (r *Replica) receiveAgreed(m Message) {
	r.follow.electedEnd = m.ElectedEnd
	if m.StartOver || m.End < r.log.EndOffset() {
		r.cut(m.End, m.StartOver, followed)
		return
	}
	r.becomeFollowed()
}

func (r *Replica) cut(to model.Offset, startOver bool, then role) {
	r.role = cutting
	r.follow.then, r.follow.cutTo, r.follow.startOver = then, to, startOver
	kind := Truncate
	if startOver {
		kind = StartOver
	}
	r.emit(Effect{Kind: kind, Offset: to})
}

// Truncated tells that the log is cut, durably.
func (r *Replica) Truncated(now time.Time) {
	if r.role != cutting {
		return
	}
	end := r.log.EndOffset()
	r.durable = min(r.durable, end)
	if !plant.On(plant.MarkKeptAtCut) {
		r.hw = min(r.hw, end)
	}
	if r.follow.startOver {
		r.durable, r.hw = end, end
	}
	r.role = r.follow.then
	switch r.role {
	case asking:
		r.ask(now)
	case followed:
		r.becomeFollowed()
	case idle, cutting, leader:
	}
	r.maybeReply()
}

func (r *Replica) becomeFollowed() {
	r.role = followed
	r.acknowledge()
}

// receiveData appends what follows the log's end.
func (r *Replica) receiveData(m Message, now time.Time) {
	if m.NewestEpoch > m.Epoch && !plant.On(plant.NewerEpochAppended) {
		return // no leader has batches of an epoch after its own
	}
	if m.Start > r.log.EndOffset() {
		r.ask(now) // the leader has deleted what would come next
		return
	}
	end, batches := r.log.EndOffset(), m.NewestEpoch != model.NoLeaderEpoch
	switch {
	case m.End > end && !(batches && plant.On(plant.GapAppended)):
		r.ask(now) // something is missing between
		return
	case m.End < end && batches:
		return // it has that already
	case batches:
		r.emit(Effect{Kind: Append})
	}
	if m.Start > r.log.StartOffset() {
		r.emit(Effect{Kind: AdvanceStart, Offset: m.Start})
	}
	r.follow.leaderMark = max(r.follow.leaderMark, m.HighWatermark)
	r.followMark()
}

// followMark takes the leader's high watermark as far as the log reaches.
func (r *Replica) followMark() {
	if hw := min(r.follow.leaderMark, r.log.EndOffset()); hw > r.hw {
		r.hw = hw
		r.emit(Effect{Kind: Committed, Offset: hw})
	}
}

// acknowledge tells the leader what is durable. A follower is normal in the
// epoch once that covers all that the leader had when it was elected: cutting
// alone would let an empty log beat a complete one of an older epoch.
func (r *Replica) acknowledge() {
	epoch := r.follow.epoch
	durable := r.durable
	if plant.On(plant.FollowerAcksUnsynced) {
		durable = r.log.EndOffset()
	}
	complete := durable >= r.follow.electedEnd || plant.On(plant.NormalAtTruncation)
	if complete && r.normal < epoch && !r.follow.saving {
		r.follow.saving = true
		r.emit(Effect{Kind: SaveNormal, Epoch: epoch})
	}
	r.emit(Effect{Kind: Send, Node: r.follow.leader, Message: Message{
		Kind: Ack, Stream: r.follow.stream, Epoch: epoch, End: durable, Normal: r.normal == epoch,
	}})
}
