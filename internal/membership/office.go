package membership

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
	"github.com/chronik/chronik/internal/quorum"
)

// probeMax is how long a probe waits: an answer on a network that works takes less,
// and where it does not, the session ends soon.
const probeMax = 500 * time.Millisecond

// OfficeOptions are what an Office works with.
type OfficeOptions struct {
	Node    model.NodeID
	Timing  controller.Timing
	Quorum  *quorum.Quorum
	Network Network
	// Ask brings a question to this node itself.
	Ask func(from model.NodeID, q controller.Question)
	// Elected, where not nil, is told how long a partition was without a leader.
	Elected func(time.Duration)
	// Unclean, where not nil, is told of each unclean election.
	Unclean func()
	// UncleanByDefault is unclean.leader.election.enable in this node's own file.
	UncleanByDefault bool
	Logger           *slog.Logger
}

// Office is the active controller's, while this node is that: a
// controller.Supervisor, driven. All methods may be called concurrently.
type Office struct {
	o OfficeOptions

	mu struct {
		sync.Mutex
		supervisor *controller.Supervisor // nil: another node's
		term       uint64
		image      *meta.Image
		alarm      *time.Timer
		leaderless map[partitionOf]time.Time // since when
		ended      chan struct{}             // closed when the office ends; nil: not held
	}
}

type partitionOf struct {
	topic     model.TopicID
	partition model.Partition
}

// ErrNotController: another node is the active controller, or none.
var ErrNotController = errors.New("this node is not the active controller")

// NewOffice returns an Office that is not held.
func NewOffice(o OfficeOptions) *Office {
	f := &Office{o: o}
	f.mu.image = new(meta.Image)
	return f
}

// Lead begins the office in a term, or ends it where term is 0. It is called in order
// with Apply (quorum.Options.Lead).
func (f *Office) Lead(term uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.term = term
	if f.mu.alarm != nil {
		f.mu.alarm.Stop()
	}
	if term == 0 {
		if f.mu.supervisor != nil {
			f.o.Logger.Info("No longer the active controller")
		}
		f.mu.supervisor = nil
		if f.mu.ended != nil {
			close(f.mu.ended)
			f.mu.ended = nil
		}
		return
	}
	if f.mu.ended == nil {
		f.mu.ended = make(chan struct{})
	}
	now := time.Now()
	f.o.Logger.Info("Active controller", "term", term, "brokers", f.mu.image.Brokers.Len())
	f.mu.leaderless = make(map[partitionOf]time.Time)
	f.noteLeaders(meta.Diff(nil, f.mu.image), nil, now)
	f.mu.supervisor = controller.NewSupervisor(f.mu.image, now, f.o.Timing, f.o.UncleanByDefault)
	// Who died with the last controller has no connection here that could end.
	for b := range f.mu.image.Brokers.All() {
		if b.ID != f.o.Node {
			f.mu.supervisor.ConnectionLost(now, b.ID)
		}
	}
	f.carryOut(now)
}

// Ended is closed when this node is not the active controller any more; nil where it
// is not now.
func (f *Office) Ended() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.ended
}

// Apply follows the metadata.
func (f *Office) Apply(delta meta.Delta, image *meta.Image) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.mu.image
	f.mu.image = image
	if f.mu.supervisor == nil {
		return
	}
	now := time.Now()
	f.noteFenced(delta, old)
	f.noteLeaders(delta, old, now)
	f.mu.supervisor.Apply(delta, image, now)
	f.carryOut(now)
}

// Heartbeat hears of a broker, and answers after a proof that this node still was the
// controller when the heartbeat arrived (quorum.Machine.Confirm: the lease rests on it).
// A proof that begins later is as good for that, and those of all brokers are one: raft's
// next heartbeat, unless there is a hurry.
func (f *Office) Heartbeat(ctx context.Context, beat controller.Heartbeat) (controller.HeartbeatAnswer, error) {
	arrived := time.Now()
	prove := f.o.Quorum.ConfirmSoon
	if f.urgent(beat) {
		prove = f.o.Quorum.Confirm
	}
	if err := prove(ctx); err != nil {
		return controller.HeartbeatAnswer{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.supervisor == nil {
		return controller.HeartbeatAnswer{}, ErrNotController
	}
	now := time.Now()
	answer := f.mu.supervisor.Heartbeat(arrived, now, beat)
	f.carryOut(now)
	return answer, nil
}

// Supports are the metadata versions that a broker's run has told this controller that it
// knows; zero where it has not, or this node is not the controller.
func (f *Office) Supports(node model.NodeID, epoch model.BrokerEpoch) meta.Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.supervisor == nil {
		return meta.Range{}
	}
	return f.mu.supervisor.Supports(node, epoch)
}

// urgent: somebody waits for what the heartbeat leads to.
func (f *Office) urgent(beat controller.Heartbeat) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.mu.image.Brokers.ByID(beat.Node)
	return beat.Leave || b == nil || b.Fenced || beat.First
}

// Answer hears a broker's answer to an election.
func (f *Office) Answer(a controller.Answer) {
	f.event(func(s *controller.Supervisor, now time.Time) { s.Answer(now, a) })
}

// Decided hears what became of a command: of ElectUncleanly the rest is up to the
// supervisor.
func (f *Office) Decided(result any) {
	r, ok := result.(controller.UncleanlyElecting)
	if !ok {
		return
	}
	var partitions []controller.PartitionRef
	for i := range r.Partitions {
		if r.Partitions[i].Err == nil {
			partitions = append(partitions, r.Partitions[i].Of)
		}
	}
	f.event(func(s *controller.Supervisor, now time.Time) { s.ElectUncleanly(now, partitions) })
}

// ConnectionLost hears that a node's process may be gone.
func (f *Office) ConnectionLost(node model.NodeID) {
	f.event(func(s *controller.Supervisor, now time.Time) { s.ConnectionLost(now, node) })
}

func (f *Office) event(happens func(*controller.Supervisor, time.Time)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.supervisor == nil {
		return
	}
	now := time.Now()
	happens(f.mu.supervisor, now)
	f.carryOut(now)
}

// carryOut does what the supervisor wants done. The caller holds mu.
func (f *Office) carryOut(now time.Time) {
	effects := f.mu.supervisor.Effects()
	for _, command := range effects.Commands {
		f.logCommand(command)
		f.o.Quorum.Propose(command, f.mu.term)
	}
	for _, q := range effects.Questions {
		if q.Node == f.o.Node {
			go f.o.Ask(f.o.Node, q) // which may answer before it returns
			continue
		}
		f.o.Network.Send(q.Node, KindQuestion, encode(q))
	}
	for i := range effects.Unclean {
		f.tellUnclean(&effects.Unclean[i])
	}
	for _, node := range effects.Probes {
		if b := f.mu.image.Brokers.ByID(node); b != nil {
			go f.probe(node, b.Epoch)
		}
	}
	if next, ok := f.mu.supervisor.NextTick(); ok {
		wait := max(next.Sub(now), time.Millisecond)
		if f.mu.alarm == nil {
			f.mu.alarm = time.AfterFunc(wait, f.tick)
		} else {
			f.mu.alarm.Reset(wait)
		}
	}
}

func (f *Office) tick() {
	f.event(func(s *controller.Supervisor, now time.Time) { s.Tick(now) })
}

// probe looks whether somebody listens where a node is to be reached. It ends within
// probeMax.
func (f *Office) probe(node model.NodeID, epoch model.BrokerEpoch) {
	ctx, cancel := context.WithTimeout(context.Background(), probeMax)
	defer cancel()
	err := f.o.Network.Probe(ctx, node)
	f.event(func(s *controller.Supervisor, now time.Time) {
		switch {
		case errors.Is(err, peer.ErrRefused):
			f.o.Logger.Info("Node is gone: nobody listens there any more", "node", node)
			s.ProbeRefused(now, node, epoch)
		case err == nil:
			s.ProbeAnswered(now, node)
		}
	})
}

// logCommand says what an operator wants to know of an election's steps.
func (f *Office) logCommand(command controller.Command) {
	c, ok := command.(controller.ElectLeaders)
	if !ok {
		return
	}
	for i := range c.Elections {
		e := &c.Elections[i]
		if topic := f.mu.image.Topics.ByID(e.Topic); topic != nil {
			partition := model.TopicPartition{Topic: topic.Name, Partition: e.Partition}
			if e.Unclean {
				f.o.Logger.Warn("Electing a leader uncleanly", "partition", partition, "node", e.Leader)
				continue
			}
			f.o.Logger.Info("Electing first ISR member as leader", "partition", partition, "node", e.Leader)
		}
	}
}

// tellUnclean says what an unclean election may have cost.
func (f *Office) tellUnclean(e *controller.UncleanElection) {
	why := uncleanBySetting
	if e.Demanded {
		why = uncleanByRequest
	}
	f.o.Logger.Error("Unclean election: committed records may be lost, from an offset on that the leader does not know to be committed",
		"partition", model.TopicPartition{Topic: e.Topic, Partition: e.Partition}, "leader", e.Leader, "epoch", e.LeaderEpoch,
		"in_sync_before", e.InSync, "lost_before", e.Lost, "from", e.From, "leader_log_end", e.LogEnd, "why", why)
	if f.o.Unclean != nil {
		f.o.Unclean()
	}
}

const (
	uncleanBySetting = "unclean.leader.election.enable"
	uncleanByRequest = "somebody has asked for it"
)

// noteFenced says which brokers lead nothing any more, and what they led. The caller
// holds mu.
func (f *Office) noteFenced(delta meta.Delta, old *meta.Image) {
	for _, node := range delta.Brokers {
		was, is := old.Brokers.ByID(node), f.mu.image.Brokers.ByID(node)
		if was == nil || is == nil || was.Fenced || !is.Fenced || was.Epoch != is.Epoch {
			continue
		}
		if was.Leaving {
			f.o.Logger.Info("Broker has left", "node", node)
			continue
		}
		f.o.Logger.Warn("Broker is fenced: it is silent or gone", "node", node)
		for topic := range old.Topics.All() {
			for i := range topic.Partitions {
				if topic.Partitions[i].Leader == node {
					f.o.Logger.Info("Leader timeout", "partition", model.TopicPartition{Topic: topic.Name, Partition: model.Partition(i)}, "leader", node)
				}
			}
		}
	}
}

// noteLeaders says who was elected, and how long that took. The caller holds mu.
func (f *Office) noteLeaders(delta meta.Delta, old *meta.Image, now time.Time) {
	note := func(topic *meta.Topic, i model.Partition) {
		p, key := &topic.Partitions[i], partitionOf{topic.ID, i}
		since, was := f.mu.leaderless[key]
		switch {
		case p.Leader == model.NoNode && !was:
			f.mu.leaderless[key] = now
		case p.Leader == model.NoNode:
		default:
			delete(f.mu.leaderless, key)
			if !was && (old == nil || !changedLeader(old, key, p)) {
				return
			}
			if was && f.o.Elected != nil {
				f.o.Elected(now.Sub(since))
			}
			f.o.Logger.Info("Elected new leader", "partition", model.TopicPartition{Topic: topic.Name, Partition: i}, "node", p.Leader, "epoch", p.LeaderEpoch)
		}
	}
	for _, topic := range delta.Deleted {
		for i := range topic.Partitions {
			delete(f.mu.leaderless, partitionOf{topic.ID, model.Partition(i)})
		}
	}
	for _, topic := range delta.Created {
		for i := range topic.Partitions {
			if topic.Partitions[i].Leader == model.NoNode {
				note(topic, model.Partition(i))
			}
		}
	}
	for _, change := range delta.Changed {
		for _, i := range change.Partitions {
			note(change.Topic, i)
		}
	}
}

func changedLeader(old *meta.Image, key partitionOf, p *meta.Partition) bool {
	topic := old.Topics.ByID(key.topic)
	return topic != nil && int(key.partition) < len(topic.Partitions) && topic.Partitions[key.partition].LeaderEpoch != p.LeaderEpoch
}
