package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
)

// Fetch (key 1), v4–v18.
//
// Behaviour: waits until min.bytes are there, a partition has an error,
// max.wait has passed, or the node stops. The first partition with data returns at least one batch
// whatever its size (KIP-74). Up to the last stable offset under
// read_committed, else up to the high watermark.
// Versions: v5 log start; v7 sessions (KIP-227); v9 leader epoch (KIP-320); v11
// rack (KIP-392); v12 flexible, last fetched epoch and divergence (KIP-595);
// v13 topic ids (KIP-516); v16 node endpoints (KIP-951).
// Divergence: a replica id is ignored. chronik's replicas do not fetch by this
// API, and whoever claims to be one sees what a consumer sees.
// Records are sent from the log's files where that is as good as reading them
// (docs/adr/0014), and from memory otherwise.

// fetchResult is one partition of a fetch's answer.
type fetchResult struct {
	partition *fetchPartition
	resp      kmsg.FetchResponseTopicPartition
	lent      *storage.Lent // its records, where they are not in resp
	diverging bool
}

// recordBytes is how much it has of records.
func (r *fetchResult) recordBytes() int {
	if r.lent != nil {
		return int(r.lent.Length)
	}
	return len(r.resp.RecordBatches)
}

func startFetch(h *Handler, _ context.Context, req *server.Request, kreq kmsg.Request) (server.Reply, error) {
	r, ok := kreq.(*kmsg.FetchRequest)
	if !ok {
		return nil, fmt.Errorf("decoded %T for Fetch", kreq)
	}
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		f := &fetch{handler: h, req: req, request: r}
		// The records are counted, and their memory is theirs, until the client has taken
		// them: one that asks and does not read must not make room for more.
		req.OnWritten = func() { f.release(); f.releaseBuffers() }
		resp, lent, err := f.run(ctx)
		if err != nil {
			return nil, err
		}
		dst = appendFetchResponse(req.Grow(dst, f.overhead()), req, resp, lent)
		h.answered(req)
		return dst, nil
	}, nil
}

// run is the answer; its records are in the fetch's buffers, or lent.
func (f *fetch) run(ctx context.Context) (*kmsg.FetchResponse, lentRecords, error) {
	plan, err := f.handler.sessions.begin(f.request, time.Now())
	if err != nil {
		resp := kmsg.NewPtrFetchResponse()
		resp.ErrorCode = wireCode(err)
		return resp, nil, nil
	}
	f.targets = f.handler.fetchTargets(f.request, plan)
	if err := f.poll(ctx); err != nil {
		return nil, nil, err
	}
	f.count()
	resp, lent := f.response(plan)
	return resp, lent, nil
}

// overhead is about what an answer takes without the records: more is rare, and only slow.
func (f *fetch) overhead() int {
	const each, once = 192, 4 << 10
	return once + each*len(f.results)
}

// response is what has been read, as the session wants it told.
func (f *fetch) response(plan *fetchPlan) (*kmsg.FetchResponse, lentRecords) {
	h, r := f.handler, f.request
	var lent lentRecords
	resp := kmsg.NewPtrFetchResponse()
	resp.SessionID = plan.sessionID
	var leaders []int32
	for _, result := range h.sessions.finish(plan, f.results) {
		appendFetched(resp, result)
		lent = append(lent, result.lent)
		if hint := result.resp.CurrentLeader.LeaderID; hint >= 0 && r.Version >= 16 {
			leaders = append(leaders, hint)
		}
	}
	for _, l := range h.leaderEndpoints(f.req.Conn, leaders) {
		b := kmsg.NewFetchResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = int32(l.node), l.endpoint.Host, int32(l.endpoint.Port), l.rack
		resp.Brokers = append(resp.Brokers, b)
	}
	return resp, lent
}

// fetchTarget is a partition of a fetch as this node sees it.
type fetchTarget struct {
	asked  *fetchPartition
	name   model.TopicPartition
	counts *topicCounts // nil where there is no such topic
	local  *partition.Partition
	err    error
}

func (h *Handler) fetchTargets(r *kmsg.FetchRequest, plan *fetchPlan) []fetchTarget {
	image := h.Image()
	targets := make([]fetchTarget, len(plan.partitions))
	for i, asked := range plan.partitions {
		t := fetchTarget{asked: asked}
		topic, err := resolveTopic(image, r.Version >= 13, asked.key.topic, asked.key.id)
		if err != nil {
			t.err = err
		} else {
			t.name = model.TopicPartition{Topic: topic.Name, Partition: model.Partition(asked.key.partition)}
			t.counts = h.topics.of(topic.ID)
			t.local, t.err = h.partition(t.name)
		}
		targets[i] = t
	}
	return targets
}

// fetch is one fetch in progress.
type fetch struct {
	handler  *Handler
	req      *server.Request
	request  *kmsg.FetchRequest
	targets  []fetchTarget
	results  []fetchResult
	buffers  [][]byte // that the results' records are in
	reserved int64
	bytes    int
	share    int  // what it may still take of the memory for responses
	urgent   bool // a partition has an error or diverges: answer now
}

// poll reads until there is enough to answer.
func (f *fetch) poll(ctx context.Context) error {
	if err := f.read(ctx); err != nil || f.enough() || len(f.targets) == 0 {
		return err
	}
	// Watch first and read again: what arrived in between signals nobody.
	watch := partition.NewWatch()
	for i := range f.targets {
		if p := f.targets[i].local; p != nil {
			p.Watch(watch)
			defer p.Unwatch(watch)
		}
	}
	timer := time.NewTimer(time.Duration(f.request.MaxWaitMillis) * time.Millisecond)
	defer timer.Stop()
	for {
		if err := f.read(ctx); err != nil || f.enough() {
			return err
		}
		f.discard() // nobody waits while holding memory
		select {
		case <-watch.C():
		case <-timer.C:
			return f.read(ctx)
		case <-f.handler.Stopping.Done():
			return f.read(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fetch) enough() bool {
	return f.urgent || f.request.MaxWaitMillis <= 0 || f.bytes >= int(f.request.MinBytes)
}

func (f *fetch) release() {
	f.handler.memory.give(f.reserved)
	f.reserved = 0
}

func (f *fetch) releaseBuffers() {
	for _, b := range f.buffers {
		f.req.Release(b)
	}
	f.buffers = f.buffers[:0]
	for i := range f.results {
		if lent := f.results[i].lent; lent != nil {
			f.results[i].lent = nil
			lent.Release()
		}
	}
}

// grow is partition.Read's.
func (f *fetch) grow(buf []byte, n int) []byte {
	grown := append(f.req.Buffer(len(buf)+n), buf...)
	f.buffers = append(f.buffers, grown)
	return grown
}

// count counts what is about to be answered.
func (f *fetch) count() {
	for i := range f.results {
		c, resp := f.targets[i].counts, &f.results[i].resp
		if c == nil {
			continue
		}
		c.fetchRequests.Add(1)
		c.bytesOut.Add(int64(f.results[i].recordBytes()))
		if code, _ := errors.AsType[*kerr.Error](kerr.ErrorForCode(resp.ErrorCode)); isFailure(code) {
			c.fetchFailures.Add(1)
		}
	}
}

// discard gives up what was read.
func (f *fetch) discard() {
	f.release()
	f.releaseBuffers()
	clear(f.results)
	f.results, f.bytes, f.urgent = f.results[:0], 0, false
	f.req.GiveWay = nil
}

// read makes one pass over the partitions.
func (f *fetch) read(ctx context.Context) error {
	f.discard()
	left := min(int(f.request.MaxBytes), f.handler.FetchBytesMax)
	f.share = f.handler.memory.share()
	for i := range f.targets {
		result, err := f.readPartition(ctx, &f.targets[i], left-f.bytes)
		if err != nil {
			return err
		}
		f.results = append(f.results, result)
	}
	return nil
}

func (f *fetch) readPartition(ctx context.Context, t *fetchTarget, left int) (fetchResult, error) {
	p := t.asked.params
	result := fetchResult{partition: t.asked, resp: kmsg.NewFetchResponseTopicPartition()}
	out := &result.resp
	out.Partition, out.HighWatermark, out.LastStableOffset, out.LogStartOffset = p.Partition, -1, -1, -1
	out.PreferredReadReplica = -1
	out.RecordBatches = []byte{} // never null, as in Kafka: not every client expects that
	if t.err != nil {
		out.ErrorCode = wireCode(t.err)
		f.urgent = true
		return result, nil //nolint:nilerr // the client is told
	}
	if preferred, ok := f.preferredReplica(t); ok {
		out.PreferredReadReplica = int32(preferred)
		f.urgent = true
		return result, nil
	}
	read, refused, err := f.readRecords(ctx, t.local, p, min(int(p.PartitionMaxBytes), left))
	if err != nil {
		return result, err
	}
	if refused != nil {
		f.urgent = true
		f.refuse(out, t, refused)
		return result, nil
	}
	result.lent = read.Lent
	out.HighWatermark, out.LastStableOffset = int64(read.HighWatermark), int64(read.LastStable)
	out.LogStartOffset = int64(read.Start)
	if len(read.Batches) > 0 {
		out.RecordBatches = read.Batches
	}
	f.bytes += result.recordBytes()
	for _, a := range read.Aborted {
		aborted := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		aborted.ProducerID, aborted.FirstOffset = int64(a.ProducerID), int64(a.FirstOffset)
		out.AbortedTransactions = append(out.AbortedTransactions, aborted)
	}
	if read.Diverging != nil {
		result.diverging, f.urgent = true, true
		out.DivergingEpoch.Epoch = int32(read.Diverging.Epoch)
		out.DivergingEpoch.EndOffset = int64(read.Diverging.EndOffset)
	}
	return result, nil
}

// readRecords reads up to want bytes, or has them lent. refused is for the client.
func (f *fetch) readRecords(ctx context.Context, from *partition.Partition, p kmsg.FetchRequestTopicPartition, want int) (read partition.ReadResult, refused, err error) {
	first := f.bytes == 0
	asked := partition.Read{
		From: model.Offset(p.FetchOffset), MaxBytes: want, MinOneBatch: first,
		Isolation: partition.Isolation(f.request.IsolationLevel & 1), AnyReplica: f.request.Version >= 11,
		Epoch: model.LeaderEpoch(p.CurrentLeaderEpoch), LastEpoch: model.LeaderEpoch(p.LastFetchedEpoch),
		Grow: f.grow,
	}
	if f.req.SendsFiles() {
		if read, lent := from.Lend(asked); lent {
			return read, nil, nil
		}
	}
	if asked.MaxBytes, err = f.reserve(ctx, min(want, f.share), first); err != nil {
		return read, nil, err
	}
	read, refused = from.Read(asked)
	f.settle(asked.MaxBytes, len(read.Batches))
	f.share -= len(read.Batches)
	if read.Cold { // of several log directories that of the last one counts
		f.req.GiveWay = from.GiveWay
	}
	return read, refused, nil
}

// preferredReplica is the replica in sync in the consumer's rack, where this node
// leads and is in another (KIP-392, as Kafka's RackAwareReplicaSelector).
func (f *fetch) preferredReplica(t *fetchTarget) (model.NodeID, bool) {
	h := f.handler
	if !h.RackAware || f.request.Rack == "" || t.local.CheckLeader(model.NoLeaderEpoch) != nil {
		return 0, false
	}
	brokers := h.Image().Brokers
	there := func(node model.NodeID) bool {
		b := brokers.ByID(node)
		return b != nil && !b.Fenced && b.Rack == f.request.Rack
	}
	if there(h.Node) {
		return 0, false
	}
	isr := t.local.State().ISR
	if i := slices.IndexFunc(isr, there); i >= 0 {
		return isr[i], true
	}
	return 0, false
}

// reserve takes memory for a read of at most want bytes.
func (f *fetch) reserve(ctx context.Context, want int, first bool) (int, error) {
	if want <= 0 {
		return 0, nil
	}
	got, err := f.handler.memory.take(ctx, int64(want), first && f.reserved == 0)
	f.reserved += got
	return int(got), err
}

// settle gives back what a read did not use. A single batch above the budget is
// not counted: max.message.bytes bounds it.
func (f *fetch) settle(budget, used int) {
	if spare := int64(budget - used); spare > 0 {
		f.handler.memory.give(spare)
		f.reserved -= spare
	}
}

func (f *fetch) refuse(out *kmsg.FetchResponseTopicPartition, t *fetchTarget, err error) {
	code := codeOf(err)
	out.ErrorCode = code.Code
	var outOfRange *partition.OffsetOutOfRangeError
	if errors.As(err, &outOfRange) {
		out.LogStartOffset = int64(outOfRange.Start)
	}
	if code != kerr.NotLeaderForPartition && code != kerr.FencedLeaderEpoch || f.request.Version < 12 {
		return
	}
	if hint, ok := f.handler.leaderHint(t.name); ok && f.handler.leads(hint) {
		out.CurrentLeader.LeaderID = int32(hint.leader)
		out.CurrentLeader.LeaderEpoch = int32(hint.epoch)
	}
}

// appendFetched adds a partition to its topic, which is the last one unless the
// order of the session alternates between topics.
func appendFetched(resp *kmsg.FetchResponse, r fetchResult) {
	key := r.partition.key
	if n := len(resp.Topics); n == 0 || resp.Topics[n-1].Topic != key.topic || resp.Topics[n-1].TopicID != key.id {
		t := kmsg.NewFetchResponseTopic()
		t.Topic, t.TopicID = key.topic, key.id
		resp.Topics = append(resp.Topics, t)
	}
	t := &resp.Topics[len(resp.Topics)-1]
	t.Partitions = append(t.Partitions, r.resp)
}
