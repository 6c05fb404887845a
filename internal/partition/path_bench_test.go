package partition

import (
	"log/slog"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/vfs"
)

// mute is Peers to whom nothing comes but what a partition says first.
type mute struct {
	alone
	first chan replica.Message // capacity 1
}

func (m mute) Send(_ model.NodeID, _ *Partition, message replica.Message, _ Sender) {
	select {
	case m.first <- message:
	default:
	}
}

// benchmarked is a partition on the real file system, so that what is counted is not what
// a file in memory allocates. Nothing waits for the disk: its syncs are storage's to measure.
func benchmarked(b *testing.B, replicas ...model.NodeID) (*node, *Partition, mute) {
	b.Helper()
	b.Chdir(b.TempDir())
	n, peers := newNode(b, vfs.OS()), mute{first: make(chan replica.Message, 1)}
	n.set.options.Peers = peers
	n.set.options.Static = map[string]string{"log.flush.interval.messages": "1000000000"}
	n.set.options.Logger, n.set.logger = slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler)
	n.startDisk()
	for id := range model.NodeID(3) {
		n.apply(&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: id, Epoch: 1}})
	}
	p := n.create(replicas...)
	b.Cleanup(func() { _ = n.set.Close() })
	b.ReportAllocs()
	return n, p, peers
}

func benchmarkBatch() record.Batch { return record.Batch(batch(string(make([]byte, 4<<10)))) }

// follower is node 2 as its leader sees it.
type follower struct {
	p   *Partition
	ack replica.Message
}

// follow begins a conversation at the log's start.
func follow(p *Partition, number uint32) *follower {
	stream := replica.Stream{BrokerEpoch: 1, Number: number}
	p.Receive(2, replica.Message{Kind: replica.Position, Stream: stream, LastEpoch: model.NoLeaderEpoch}, nil)
	f := &follower{p: p, ack: replica.Message{Kind: replica.Ack, Stream: stream}}
	p.Receive(2, f.ack, nil)
	return f
}

func (f *follower) has(end model.Offset) {
	f.ack.End, f.ack.Normal = end, true
	f.p.Receive(2, f.ack, nil)
}

// BenchmarkNext is a leader's read for a follower: 64 KiB of batches of 4 KiB.
func BenchmarkNext(b *testing.B) {
	n, p, _ := benchmarked(b, self, 2)
	for range 2048 {
		n.append(p, AcksNone, string(make([]byte, 4<<10)))
	}
	const bytes = 64 << 10
	buffer, conversations := make([]byte, 0, bytes), uint32(0)
	b.SetBytes(bytes)
	end := model.Offset(0)
	for b.Loop() {
		if end+bytes/(4<<10) > p.log().EndOffset() || conversations == 0 {
			conversations++
			follow(p, conversations)
		}
		next, ok, err := p.Next(2, bytes, buffer)
		if err != nil || !ok || len(next.Batches) == 0 {
			b.Fatalf("%+v, %v, %v", next.Message, ok, err)
		}
		end = next.End
	}
}

// BenchmarkReceive is a follower that appends what its leader has sent, and acknowledges it.
func BenchmarkReceive(b *testing.B) {
	_, p, peers := benchmarked(b, 2, self)
	position := <-peers.first
	m := replica.Message{Kind: replica.Agreed, Stream: position.Stream, Epoch: position.Epoch}
	p.Receive(2, m, nil)
	m.Kind = replica.Data
	sent := benchmarkBatch()
	b.SetBytes(int64(len(sent)))
	for b.Loop() {
		sent.SetBaseOffset(m.End)
		p.Receive(2, m, sent)
		m.HighWatermark, m.End = m.End, m.End+1
	}
	if end := p.log().EndOffset(); end != m.End {
		b.Fatalf("the log ends at %d, and %d records were sent", end, m.End)
	}
}

// BenchmarkCommit is a batch's way at its leader: appended, read for the follower,
// acknowledged by it, so that the high watermark moves and wakes who waits.
func BenchmarkCommit(b *testing.B) {
	n, p, _ := benchmarked(b, self, 2)
	f := follow(p, 1)
	sent, buffer := benchmarkBatch(), make([]byte, 0, 64<<10)
	b.SetBytes(int64(len(sent)))
	for b.Loop() {
		sent.SetBaseOffset(0) // as a client sends it
		pending, err := p.Append(sent, Append{Acks: AcksAll, Epoch: model.NoLeaderEpoch})
		if err != nil {
			b.Fatal(err)
		}
		next, ok, err := p.Next(2, cap(buffer), buffer)
		if err != nil || !ok || next.End != pending.EndOffset {
			b.Fatalf("%+v, %v, %v", next.Message, ok, err)
		}
		f.has(next.End)
		if err := pending.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if o := p.Offsets(); o.HighWatermark != o.End {
		n.t.Errorf("committed up to %d of %d", o.HighWatermark, o.End)
	}
}
