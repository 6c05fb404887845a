package partition

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/storage"
)

// Peers carries messages to the other replicas. Its methods are called with a
// partition's lock held: they must not block, nor call the partition. Messages may
// be lost; whoever loses one calls Reconnect.
type Peers interface {
	// Send brings a message to the partition's replica on a node. It takes the
	// place of an earlier one to the same replica that has not gone out.
	Send(to model.NodeID, p *Partition, m replica.Message, by Sender)
	// Wake tells that Next has something for a follower.
	Wake(follower model.NodeID, p *Partition, due Due, by Sender)
	// PushToFollower and PushToLeader have go out what Send and Wake were told that the
	// caller sends. They are called with no lock held that the partition's own methods
	// take, and wait for nobody: what cannot go out at once is left to the stream.
	PushToFollower(model.NodeID)
	PushToLeader(model.NodeID)
	// Opened tells that a partition can be found from now on. It is called with no
	// lock held, and may call the partition.
	Opened(p *Partition)
	// Resigned tells that this node's leadership of a partition has ended, be it that
	// another begins: what followers were sent they will not acknowledge.
	Resigned(p *Partition)
	// Forget tells that a partition is deleted.
	Forget(p *Partition)
}

// Sender says on whose goroutine something goes out to another node.
type Sender uint8

const (
	// StreamSends has the stream's own goroutine woken.
	StreamSends Sender = iota
	// CallerSends has nobody woken: the caller pushes, once it has let go of its lock.
	// On an idle machine that is what a record's latency consists of: to have another
	// goroutine run took 40 µs, of 640 in which three nodes had it on their disks.
	CallerSends
)

// Due is what Next has for a follower.
type Due struct {
	// Batches, or only a newer high watermark or log start, which may wait for the next
	// batches a while.
	Batches bool
	// Outside: no commit waits for the follower (replica.Outside). It is told of every
	// change of that while there are batches.
	Outside bool
}

// Controller takes what partitions want decided. Its methods are called with a
// partition's lock held: they must not block. What they take may be lost.
type Controller interface {
	// Propose asks for another in-sync set.
	Propose(topic model.TopicID, partition model.Partition, change replica.Change)
	// Answer answers an election.
	Answer(topic model.TopicID, partition model.Partition, answer replica.Answer)
}

// alone is the Peers and the Controller of a node that has neither: sets of one
// never change, and elect without asking.
type alone struct{}

func (alone) Send(model.NodeID, *Partition, replica.Message, Sender) {}
func (alone) Wake(model.NodeID, *Partition, Due, Sender)             {}
func (alone) PushToFollower(model.NodeID)                            {}
func (alone) PushToLeader(model.NodeID)                              {}
func (alone) Opened(*Partition)                                      {}
func (alone) Resigned(*Partition)                                    {}
func (alone) Forget(*Partition)                                      {}
func (alone) Propose(model.TopicID, model.Partition, replica.Change) {}
func (alone) Answer(model.TopicID, model.Partition, replica.Answer)  {}

// Receive takes a message of another replica, with the batches of Data. What cannot
// be used is asked for again.
func (p *Partition) Receive(from model.NodeID, m replica.Message, batches []byte) {
	switch m.Kind {
	case replica.Position, replica.Ack:
		p.receiveAsLeader(from, m)
		return
	case replica.Diverged, replica.Agreed, replica.Data:
	}
	var err error
	m.NewestEpoch, err = newestEpoch(batches)
	p.receiving.Lock()
	defer p.receiving.Unlock()
	p.role.RLock()
	defer p.role.RUnlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.mu.failed != nil || now.Before(p.mu.pausedUntil) {
		return
	}
	if err == nil {
		p.mu.replica.Receive(from, m, now)
		err = p.performLocked(batches, now)
	}
	if err != nil {
		p.refuseLocked(from, err, now)
	}
}

// refusedPause is how long a follower takes nothing from a leader whose data it could
// not use: what is wrong with it may be so again.
const refusedPause = time.Second

// refuseLocked begins the conversation with a leader again, after a while. Of other
// partitions the stream goes on meanwhile.
func (p *Partition) refuseLocked(leader model.NodeID, err error, now time.Time) {
	if errors.Is(err, storage.ErrFenced) || errors.Is(err, storage.ErrClosed) {
		return // of the disk everybody hears by its fence
	}
	p.set.logger.Warn("What the leader has sent cannot be used; it is asked again", "partition", p.name, "leader", leader, "error", err)
	p.mu.pausedUntil = now.Add(refusedPause)
	time.AfterFunc(refusedPause, func() { p.Reconnect(leader) })
}

// newestEpoch is the greatest leader epoch among whole batches.
func newestEpoch(batches []byte) (model.LeaderEpoch, error) {
	newest := model.NoLeaderEpoch
	for rest := batches; len(rest) > 0; {
		b, after, err := record.Split(rest)
		if err != nil {
			return newest, err
		}
		newest, rest = max(newest, b.LeaderEpoch()), after
	}
	return newest, nil
}

func (p *Partition) receiveAsLeader(from model.NodeID, m replica.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.failed != nil {
		return
	}
	now := time.Now()
	p.mu.replica.Receive(from, m, now)
	p.settleLocked(now)
}

// Reconnect tells that the stream to a node is a new one: where that node leads
// the partition, the conversation begins again.
func (p *Partition) Reconnect(leader model.NodeID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.failed != nil || p.mu.replica.View().Leader != leader {
		return
	}
	now := time.Now()
	p.mu.replica.Reconnect(now)
	p.settleLocked(now)
}

// Outgoing is what a follower is sent at once.
type Outgoing struct {
	Message replica.Message
	Batches []byte       // from Message.End on; may be none
	End     model.Offset // where they end
}

// Next is what to send to a follower, with batches of about bytesMax, in buffer
// where its capacity suffices. ok is false where there is nothing, or where the
// leadership has just ended. It counts as sent.
func (p *Partition) Next(follower model.NodeID, bytesMax int, buffer []byte) (o Outgoing, ok bool, err error) {
	p.mu.Lock()
	o.Message, ok = p.mu.replica.Next(follower)
	ok = ok && p.mu.failed == nil
	p.mu.Unlock()
	if !ok {
		return o, false, nil
	}
	o.End = o.Message.End
	if end := p.log().EndOffset(); o.End >= o.Message.Start && o.End < end {
		read, err := onLog(p, func(l *storage.Log) (storage.ReadResult, error) {
			return l.Read(storage.Read{From: o.End, To: end, MaxBytes: bytesMax, MinOneBatch: true, Buffer: buffer})
		})
		if err == nil {
			err = checkBatches(read.Batches, end)
		}
		switch {
		case errors.Is(err, storage.ErrOffsetOutOfRange):
			return o, false, nil // cut or deleted meanwhile; whoever did that wakes the stream
		case errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrFenced):
			return o, false, nil // the topic is deleted, or of the disk everybody hears by its fence
		case err != nil:
			err = fmt.Errorf("read %s at %d for node %d: %w", p.name, o.End, follower, err)
			p.mu.Lock()
			p.goOfflineLocked(err)
			p.mu.Unlock()
			return o, false, err
		}
		o.Batches, o.End = read.Batches, read.NextOffset
	}
	p.mu.Lock()
	p.mu.replica.Sent(follower, o.Message, o.End)
	p.mu.Unlock()
	return o, true, nil
}

// replicaLog is a partition's log as its replica sees it.
type replicaLog struct{ p *Partition }

// StartOffset implements replica.Log.
func (l replicaLog) StartOffset() model.Offset { return l.p.log().StartOffset() }

// EndOffset implements replica.Log.
func (l replicaLog) EndOffset() model.Offset { return l.p.log().EndOffset() }

// EpochEnd implements replica.Log.
func (l replicaLog) EpochEnd(e model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	return l.p.log().EndOf(e)
}

// LastEpoch implements replica.Log.
func (l replicaLog) LastEpoch() model.LeaderEpoch {
	if epoch, ok := l.p.log().LatestEpoch(); ok {
		return epoch
	}
	return model.NoLeaderEpoch
}
