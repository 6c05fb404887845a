package replication

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// mirror is the stream of a follower that acknowledges at once what it is sent, and keeps
// nothing.
type mirror struct {
	acks   chan []byte // capacity 1: one frame is under way at a time
	closed chan struct{}
	close  func()
	answer []byte
}

func newMirror() *mirror {
	m := &mirror{acks: make(chan []byte, 1), closed: make(chan struct{})}
	m.close = sync.OnceFunc(func() { close(m.closed) })
	return m
}

// Read implements Stream.
func (m *mirror) Read([]byte) ([]byte, error) {
	select {
	case frame := <-m.acks:
		return frame, nil
	case <-m.closed:
		return nil, io.EOF
	}
}

// Write implements Stream: it answers each entry of the frame.
func (m *mirror) Write(frame []byte) error {
	m.answer = m.answer[:0]
	for len(frame) > 0 {
		e, rest, err := nextEntry(frame)
		if err != nil {
			return err
		}
		ack := replica.Message{Kind: replica.Ack, Stream: e.message.Stream, Epoch: e.message.Epoch}
		ack.End, ack.Normal = e.message.End, e.message.Kind == replica.Data
		for batches := e.batches; len(batches) > 0; {
			b, after, err := record.Split(batches)
			if err != nil {
				return err
			}
			ack.End, batches = b.NextOffset(), after
		}
		m.answer, frame = appendEntry(m.answer, e.topic, e.partition, &ack), rest
	}
	select {
	case m.acks <- m.answer:
		return nil
	case <-m.closed:
		return io.ErrClosedPipe
	}
}

// TryWrite implements Stream.
func (m *mirror) TryWrite(frame []byte) bool { return m.Write(frame) == nil }

// Close implements Stream.
func (m *mirror) Close() { m.close() }

// BenchmarkFeed is a batch's way from its leader's log to a follower, and that of the
// acknowledgement back, of one partition after the other, but for the network. The log's
// file is a real one, and nothing waits for the disk.
func BenchmarkFeed(b *testing.B) {
	for _, partitions := range []int{1, 12} {
		b.Run(fmt.Sprintf("%d", partitions), func(b *testing.B) { benchmarkFeed(b, partitions) })
	}
}

func benchmarkFeed(b *testing.B, partitions int) {
	led := lead(b, partitions)
	builder := record.NewBuilder(record.BuildOptions{})
	builder.Append(model.TimestampOf(time.Now()), nil, make([]byte, 4<<10))
	batch := builder.Build()
	pending := make([]partition.Pending, partitions)
	send := func(count int) {
		for i := range count {
			batch.SetBaseOffset(0) // as a client sends it
			var err error
			if pending[i], err = led[i].Append(batch, partition.Append{Acks: partition.AcksAll, Epoch: model.NoLeaderEpoch}); err != nil {
				b.Fatal(err)
			}
		}
		for i := range count {
			if err := pending[i].Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	send(partitions) // all conversations have begun, and buffers are there
	b.ReportAllocs()
	b.SetBytes(int64(len(batch)))
	b.ResetTimer()
	for i := 0; i < b.N; i += partitions {
		send(min(partitions, b.N-i))
	}
}

// lead is partitions that node 1 leads and a mirror follows.
func lead(b *testing.B, count int) []*partition.Partition {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "data")
	if err := vfs.MkdirAllSynced(vfs.OS(), dir); err != nil {
		b.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	n := &node{id: 1}
	n.disk = storage.NewDisk(storage.DiskOptions{FS: vfs.OS(), Dir: dir, Logger: logger, Failed: func(err error) { n.set.Fail(err) }})
	n.streams = New(Options{Node: 1, Partitions: n, Logger: logger})
	n.set = partition.NewSet(partition.Options{
		Node: 1, FS: vfs.OS(), Dir: dir, Disk: n.disk, Directories: []partition.Directory{{Path: dir, Disk: n.disk}}, Logger: logger, LagMax: time.Hour, Peers: n.streams,
		Static: map[string]string{"log.flush.interval.messages": "1000000000"}, Upkeep: partition.Upkeep{RetentionInterval: time.Hour},
	})
	if err := n.set.Load(); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.disk.Run(ctx) })
	running.Go(func() { _ = n.set.Run(ctx) })
	follower := newMirror()
	b.Cleanup(func() {
		follower.Close()
		if err := n.set.Close(); err != nil {
			b.Error(err)
		}
		stop()
		running.Wait()
	})
	records := []meta.Record{&meta.TopicRecord{ID: topicID, Name: "t"}}
	for id := range model.NodeID(3) {
		records = append(records, &meta.RegisterBrokerRecord{Broker: meta.Broker{ID: id, Epoch: 1}})
	}
	for i := range count {
		records = append(records, &meta.PartitionRecord{Topic: topicID, Index: model.Partition(i),
			Partition: meta.Partition{Replicas: []model.NodeID{1, 2}, ISR: []model.NodeID{1, 2}, Leader: 1}})
	}
	image, delta, err := new(meta.Image).Apply(records, 1)
	if err != nil {
		b.Fatal(err)
	}
	n.set.Apply(delta, image)
	running.Go(func() { n.streams.Serve(ctx, 2, follower) })
	return n.followed(b, follower, count)
}

// followed has the mirror begin to follow all partitions.
func (n *node) followed(b *testing.B, follower *mirror, count int) []*partition.Partition {
	var frame []byte
	var led []*partition.Partition
	position := replica.Message{Kind: replica.Position, Stream: replica.Stream{BrokerEpoch: 1, Number: 1}, LastEpoch: model.NoLeaderEpoch}
	for i := range count {
		p := n.set.Find(topicID, model.Partition(i))
		if p == nil {
			b.Fatalf("partition %d is not open", i)
		}
		led, frame = append(led, p), appendEntry(frame, topicID, model.Partition(i), &position)
	}
	follower.acks <- frame
	return led
}
