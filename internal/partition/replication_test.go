package partition

import (
	"context"
	"errors"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/vfs"
)

// post keeps what a partition sends to the other replicas.
type post struct {
	sent  chan replica.Message
	woken chan model.NodeID
}

func newPost() *post {
	return &post{sent: make(chan replica.Message, 100), woken: make(chan model.NodeID, 100)}
}

func (p *post) Send(_ model.NodeID, _ *Partition, m replica.Message, _ Sender) { p.sent <- m }
func (p *post) Opened(*Partition)                                              {}
func (p *post) Resigned(*Partition)                                            {}
func (p *post) Forget(*Partition)                                              {}
func (p *post) Wake(to model.NodeID, _ *Partition, _ Due, _ Sender)            { p.woken <- to }
func (p *post) PushToFollower(model.NodeID)                                    {}
func (p *post) PushToLeader(model.NodeID)                                      {}

// await is the next message of a kind.
func (p *post) await(t *testing.T, kind replica.Kind) replica.Message {
	t.Helper()
	for {
		select {
		case m := <-p.sent:
			if m.Kind == kind {
				return m
			}
		case <-t.Context().Done():
			t.Fatalf("no message of kind %d", kind)
		}
	}
}

func withPost(t *testing.T) (*node, *post) {
	t.Helper()
	n, p := newNode(t, vfs.NewMem()), newPost()
	n.set.options.Peers = p
	n.startDisk()
	for id := range model.NodeID(4) { // those that are not there would be taken out of sync
		n.apply(&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: id, Epoch: 1}})
	}
	return n, p
}

func stamped(base model.Offset, epoch model.LeaderEpoch, values ...string) []byte {
	b := record.Batch(batch(values...))
	b.SetBaseOffset(base)
	b.SetLeaderEpoch(epoch)
	return b
}

func TestFollowerAppendsWhatItsLeaderSends(t *testing.T) {
	n, post := withPost(t)
	p := n.create(2, self)
	position := post.await(t, replica.Position)
	to := func(m replica.Message, batches []byte) {
		t.Helper()
		m.Stream, m.Epoch = position.Stream, position.Epoch
		p.Receive(2, m, batches)
	}
	to(replica.Message{Kind: replica.Agreed}, nil)
	if ack := post.await(t, replica.Ack); ack.End != 0 {
		t.Fatalf("the first acknowledgement is of %d", ack.End)
	}
	sent := stamped(0, 0, "a", "b")
	to(replica.Message{Kind: replica.Data, HighWatermark: 0}, sent)
	for ack := post.await(t, replica.Ack); ack.End != 2 || !ack.Normal; ack = post.await(t, replica.Ack) {
	}
	to(replica.Message{Kind: replica.Data, End: 2, HighWatermark: 2}, nil)
	read, err := p.Read(Read{Epoch: model.NoLeaderEpoch, LastEpoch: model.NoLeaderEpoch, MaxBytes: 1000, AnyReplica: true})
	if err != nil || string(read.Batches) != string(sent) {
		t.Errorf("a reader of the follower gets %d bytes, %v; %d were sent", len(read.Batches), err, len(sent))
	}
	if _, err := p.Append(batch("c"), Append{Acks: AcksAll, Epoch: model.NoLeaderEpoch}); err == nil {
		t.Error("the follower took a client's batch")
	}
}

// What the checksum refuses is a broken stream: the follower's log stays as it is.
func TestFollowerRefusesADamagedBatch(t *testing.T) {
	n, post := withPost(t)
	p := n.create(2, self)
	position := post.await(t, replica.Position)
	agreed := replica.Message{Kind: replica.Agreed, Stream: position.Stream, Epoch: position.Epoch}
	p.Receive(2, agreed, nil)
	damaged := stamped(0, 0, "a")
	damaged[len(damaged)-1] ^= 1
	data := replica.Message{Kind: replica.Data, Stream: position.Stream, Epoch: position.Epoch}
	p.Receive(2, data, damaged)
	if end := p.Offsets().End; end != 0 {
		t.Errorf("the log ends at %d", end)
	}
	p.Reconnect(2)
	if again := post.await(t, replica.Position); again.Stream == position.Stream {
		t.Error("the conversation did not begin again")
	}
}

// A record is acknowledged when a quorum of the set holds it, and not before.
func TestLeaderWaitsForAQuorum(t *testing.T) {
	n, post := withPost(t)
	p := n.create(self, 2, 3)
	pending := n.append(p, AcksAll, "a")
	leaderOnly := n.append(p, AcksLeader, "b")
	if err := n.wait(&leaderOnly); err != nil {
		t.Fatal(err)
	}
	if done, err := pending.TryWait(); done {
		t.Fatalf("acknowledged by the leader alone: %v", err)
	}
	position := replica.Message{Kind: replica.Position, Stream: replica.Stream{BrokerEpoch: 1, Number: 1}, LastEpoch: model.NoLeaderEpoch}
	p.Receive(2, position, nil)
	if agreed := post.await(t, replica.Agreed); agreed.End != 0 {
		t.Fatalf("agreed at %d", agreed.End)
	}
	if _, ok, _ := p.Next(2, 1000, nil); ok {
		t.Fatal("data for a follower that has not said that it has cut its log")
	}
	ack := replica.Message{Kind: replica.Ack, Stream: position.Stream}
	p.Receive(2, ack, nil)
	if follower := <-post.woken; follower != 2 {
		t.Fatalf("woke node %d", follower)
	}
	next, ok, err := p.Next(2, 1000, nil)
	if err != nil || !ok || next.Message.End != 0 || next.End != 2 {
		t.Fatalf("next: %+v, %v, %v", next, ok, err)
	}
	ack.End, ack.Normal = 2, true
	p.Receive(2, ack, nil)
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
}

// Who waits for the quorum of an epoch that has ended is told so.
func TestDeposedLeaderFailsThoseWhoWait(t *testing.T) {
	n, post := withPost(t)
	p := n.create(self, 2, 3)
	pending := n.append(p, AcksAll, "a")
	n.apply(&meta.PartitionChangeRecord{Topic: topicID, Elect: true, Leader: 2})
	if err := n.wait(&pending); err == nil {
		t.Error("acknowledged by nobody")
	}
	if position := post.await(t, replica.Position); position.End != 1 || position.Epoch != 1 {
		t.Errorf("the deposed leader follows from %+v", position)
	}
}

func TestNormalEpochsAreFoundAgain(t *testing.T) {
	mem := vfs.NewMem()
	n := newNode(t, mem)
	n.startDisk()
	p := n.create(self)
	pending := n.append(p, AcksAll, "a")
	if err := n.wait(&pending); err != nil { // which takes a normal leader
		t.Fatal(err)
	}
	n.stop()
	again := newNode(t, mem.Crash())
	if err := again.set.Load(); err != nil {
		t.Fatal(err)
	}
	if epoch := again.set.normals.of(p.normalKey()); epoch != 0 {
		t.Errorf("normal in epoch %d after a crash", epoch)
	}
	// A directory that is gone takes with it what its epoch stood for.
	if err := again.set.normals.forget(p.normalKey()); err != nil {
		t.Fatal(err)
	}
	third := newNode(t, mem)
	if err := third.set.Load(); err != nil {
		t.Fatal(err)
	}
}

func FuzzParseNormals(f *testing.F) {
	f.Add(formatNormals(nil))
	f.Add(formatNormals(map[normalKey]model.LeaderEpoch{{topicID, 3}: 7, {topicID, 1}: 0}))
	f.Add([]byte("0\n1\nx 1 1\n00000000\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		epochs, err := parseNormals(data)
		if err != nil {
			return
		}
		again, err := parseNormals(formatNormals(epochs))
		if err != nil || len(again) != len(epochs) {
			t.Fatalf("written and read again: %v, %v", again, err)
		}
	})
}

// A topic may be deleted while it is read for a follower: that is no damage.
func TestNextOfAClosedLogIsNothing(t *testing.T) {
	n, post := withPost(t)
	p := n.create(self, 2)
	n.append(p, AcksNone, "a")
	position := replica.Message{Kind: replica.Position, Stream: replica.Stream{BrokerEpoch: 1, Number: 1}, LastEpoch: model.NoLeaderEpoch}
	p.Receive(2, position, nil)
	p.Receive(2, replica.Message{Kind: replica.Ack, Stream: position.Stream}, nil)
	<-post.woken
	if err := p.log().Close(); err != nil {
		t.Fatal(err)
	}
	if next, ok, err := p.Next(2, 1000, nil); ok || err != nil {
		t.Errorf("next: %+v, %v, %v", next, ok, err)
	}
	if err := p.failure(); err != nil {
		t.Errorf("the partition has failed: %v", err)
	}
}

// refusing is the lease of a node that may not serve.
type refusing struct{}

func (refusing) Serving() bool              { return false }
func (refusing) Accepting() bool            { return true }
func (refusing) Await(context.Context) bool { return false }

// A coordinator that has been cut off must not answer from what it knows: another has
// committed more by now.
func TestCommittedIsNoAnswerWithoutALease(t *testing.T) {
	n := newNode(t, vfs.NewMem())
	n.startDisk()
	p := n.create(self)
	pending := n.append(p, AcksAll, "a")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	if err := p.WaitCommitted(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	n.set.options.Lease = refusing{}
	if err := p.WaitCommitted(t.Context(), 1); !errors.Is(err, ErrNotLeader) {
		t.Errorf("without a lease: %v", err)
	}
}

// A reader is not given what the disk has spoiled, where others have it whole.
func TestSpoiledBatchesAreNotRead(t *testing.T) {
	mem := vfs.NewMem()
	n := newNode(t, mem)
	given := make(chan model.TopicPartition, 1)
	n.set.options.Damaged = func(name model.TopicPartition, _ error) { given <- name }
	n.startDisk()
	p := n.create(self, 2)
	pending := n.append(p, AcksLeader, "a")
	if err := n.wait(&pending); err != nil {
		t.Fatal(err)
	}
	f, err := mem.OpenReadWrite("data/t-0/00000000000000000000.log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0xff}, 62); err != nil { // in the first record
		t.Fatal(err)
	}
	_, err = p.Read(Read{Epoch: model.NoLeaderEpoch, LastEpoch: model.NoLeaderEpoch, MaxBytes: 1000, Isolation: ReadLogEnd})
	if !errors.Is(err, ErrOffline) {
		t.Errorf("read: %v", err)
	}
	if name := <-given; name != p.Name() {
		t.Errorf("%s was given up", name)
	}
}
