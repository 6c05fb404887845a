package api

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// served is the handler of a node that is alone and has topic b. Benchmarks have it on the
// real file system, so that what is counted is not what a file in memory allocates. Nothing
// waits for the disk: its syncs are storage's to measure.
func served(b testing.TB, fs vfs.FS) *Handler {
	b.Helper()
	dir, logger := filepath.Join(b.TempDir(), "data"), slog.New(slog.DiscardHandler)
	if err := vfs.MkdirAllSynced(fs, dir); err != nil {
		b.Fatal(err)
	}
	disk := storage.NewDisk(storage.DiskOptions{FS: fs, Dir: dir, Logger: logger})
	set := partition.NewSet(partition.Options{
		Node: 1, FS: fs, Dir: dir, Disk: disk, Directories: []partition.Directory{{Path: dir, Disk: disk}}, Logger: logger, LagMax: time.Hour,
		Static: map[string]string{"log.flush.interval.messages": "1000000000"}, Upkeep: partition.Upkeep{RetentionInterval: time.Hour},
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = disk.Run(ctx) })
	running.Go(func() { _ = set.Run(ctx) })
	b.Cleanup(func() {
		if err := set.Close(); err != nil {
			b.Error(err)
		}
		stop()
		running.Wait()
	})
	image := topics(b, 1)
	set.Apply(meta.Diff(nil, image), image)
	return New(Services{
		Node: 1, Image: func() *meta.Image { return image }, Partitions: set, FetchBytesMax: 50 << 20, FetchSessionsMax: 10, ResponseBytesMax: 1 << 30,
	})
}

// produceOf is a request of one batch, with as many records of 256 bytes as are given.
func produceOf(records int) *kmsg.ProduceRequest {
	builder := record.NewBuilder(record.BuildOptions{})
	for range records {
		builder.Append(model.TimestampOf(time.Now()), nil, make([]byte, 256))
	}
	r := kmsg.NewPtrProduceRequest()
	r.SetVersion(9)
	r.Acks, r.TimeoutMillis = -1, 30_000
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "b", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: builder.Build()}}}}
	return r
}

// fetchOf is a request from the beginning, of so many bytes at most.
func fetchOf(bytes int32) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.SetVersion(12)
	r.MinBytes, r.MaxBytes, r.SessionEpoch = 1, bytes, -1
	asked := kmsg.NewFetchRequestTopicPartition()
	asked.PartitionMaxBytes = bytes
	r.Topics = []kmsg.FetchRequestTopic{{Topic: "b", Partitions: []kmsg.FetchRequestTopicPartition{asked}}}
	return r
}

// asking is a client's connection that asks the same again and again.
type asking struct {
	handler *Handler
	fresh   server.Request
	request server.Request
	asked   []byte // as it was sent; the handler changes what it is given
	answer  []byte // but for what was inserted
}

func newAsking(h *Handler, r kmsg.Request) *asking {
	a := &asking{handler: h, asked: r.AppendTo(nil)}
	a.fresh = server.Request{Key: r.Key(), Version: r.GetVersion(), Conn: &server.ConnInfo{}, Body: make([]byte, len(a.asked))}
	return a
}

func (a *asking) ask(b testing.TB) {
	a.request = a.fresh
	copy(a.request.Body, a.asked)
	a.request.Received = time.Now()
	reply, err := a.handler.Start(b.Context(), &a.request)
	if err != nil {
		b.Fatal(err)
	}
	if a.answer, err = reply(b.Context(), a.answer[:0]); err != nil {
		b.Fatal(err)
	}
	if a.request.OnWritten != nil {
		a.request.OnWritten()
	}
}

// BenchmarkProduce is a request from its decoding to its response: appended, and waited for.
func BenchmarkProduce(b *testing.B) {
	for _, records := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("%d", records), func(b *testing.B) {
			client := newAsking(served(b, vfs.OS()), produceOf(records))
			b.ReportAllocs()
			b.SetBytes(int64(len(client.asked)))
			for b.Loop() {
				client.ask(b)
			}
			resp := kmsg.NewPtrProduceResponse()
			resp.SetVersion(client.request.Version)
			const header = 5 // correlation id, and no tags
			if err := resp.ReadFrom(client.answer[header:]); err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
				b.Fatalf("%+v, %v", resp, err)
			}
		})
	}
}

// BenchmarkFetch is a fetch of what is there, up to a size.
func BenchmarkFetch(b *testing.B) {
	for _, bytes := range []int32{4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dK", bytes>>10), func(b *testing.B) {
			h := served(b, vfs.OS())
			writer := newAsking(h, produceOf(14)) // just below 4 KiB
			for range 300 {
				writer.ask(b)
			}
			client := newAsking(h, fetchOf(bytes))
			b.ReportAllocs()
			b.SetBytes(int64(bytes))
			for b.Loop() {
				client.ask(b)
			}
			if got := len(client.request.WithInserts(client.answer)); got < int(bytes)*9/10 {
				b.Fatalf("an answer of %d bytes", got)
			}
		})
	}
}
