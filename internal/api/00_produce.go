package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/wire"
)

// Produce (key 0), v3–v13.
//
// Behaviour: batches are appended in the order of arrival, before the next
// request of the connection is looked at; the reply waits for what acks asks,
// or for the request's timeout (REQUEST_TIMED_OUT: the records may be there).
// Versions: v7 zstd; v8 record errors and message (KIP-467); v9 flexible;
// v10 leader hints (KIP-951); v13 topic ids (KIP-516).
// Divergence: acks=1 waits for the leader's disk, as acks=-1 does for the
// quorum's. Transactional batches are refused: transactions are not served yet.

// produceTimeoutMinMillis is the shortest wait for an acknowledgement. In Kafka
// a timeout of 0 is enough where no follower is waited for; here even a leader
// that is alone waits for its disk.
const produceTimeoutMinMillis = 1000

// produceAppend is one partition of a produce request after its first stage.
type produceAppend struct {
	resp    *kmsg.ProduceResponseTopicPartition
	name    model.TopicPartition
	counts  *topicCounts // nil where there is no such topic
	pending partition.Pending
	err     error
}

func startProduce(h *Handler, ctx context.Context, req *server.Request, kreq kmsg.Request) (server.Reply, error) {
	r, ok := kreq.(*kmsg.ProduceRequest)
	if !ok {
		return nil, fmt.Errorf("decoded %T for Produce", kreq)
	}
	p := h.produced.get()
	h.appendProduced(ctx, r, p)
	return func(ctx context.Context, dst []byte) ([]byte, error) {
		dst, err := h.finishProduce(ctx, req, r, p, dst)
		h.produced.put(p)
		if err == nil {
			h.answered(req)
		}
		return dst, err
	}, nil
}

// imageFor is the newest image. Another node may have told the client of a partition
// before this one has heard that it leads it: the client would ask again later, and one
// that wants no acknowledgement would lose what it has sent. So the request waits, and
// what comes behind it on its connection.
func (h *Handler) imageFor(ctx context.Context, r *kmsg.ProduceRequest) *meta.Image {
	return h.imageWith(ctx, len(r.Topics), func(image *meta.Image, i int) bool {
		topic, err := resolveTopic(image, r.Version >= 13, r.Topics[i].Topic, r.Topics[i].TopicID)
		if err != nil {
			return false
		}
		for j := range r.Topics[i].Partitions {
			if int(r.Topics[i].Partitions[j].Partition) >= len(topic.Partitions) {
				return false
			}
		}
		return true
	})
}

// appendProduced is the first stage: every partition's batches go to their log.
func (h *Handler) appendProduced(ctx context.Context, r *kmsg.ProduceRequest, to *produced) {
	image := h.imageFor(ctx, r)
	now := model.TimestampOf(time.Now())
	asked := false // the active controller, for what is newest
	to.begin(r)
	for i := range r.Topics {
		t := &r.Topics[i]
		topic, err := resolveTopic(image, r.Version >= 13, t.Topic, t.TopicID)
		if err == nil && topic.Internal {
			err = wire.Errorf(kerr.InvalidTopicException, "%s is internal: only the broker writes to it", topic.Name)
		}
		var counts *topicCounts
		if topic != nil {
			counts = h.topics.of(topic.ID)
			counts.produceRequests.Add(int64(len(t.Partitions)))
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			out := &to.resp.Topics[i].Partitions[j]
			out.Partition, out.BaseOffset, out.LogAppendTime, out.LogStartOffset = p.Partition, -1, -1, -1
			a := produceAppend{resp: out, counts: counts, err: err}
			if err == nil {
				a.name = model.TopicPartition{Topic: topic.Name, Partition: model.Partition(p.Partition)}
				a.pending, a.err = h.appendPartition(r, a.name, p.Records, now)
				if errors.Is(a.err, partition.ErrNotLeader) && !asked {
					// Another node may have told the client that this one leads, before
					// this one has heard so.
					asked = true
					h.caughtUp(ctx)
					a.pending, a.err = h.appendPartition(r, a.name, p.Records, now)
				}
				a.count(len(p.Records))
			}
			p.Records = nil // in the log; the request waits without it
			to.appends = append(to.appends, a)
		}
	}
}

// count counts what was appended; a batch that was there already is not counted
// again.
func (a *produceAppend) count(bytes int) {
	if a.err != nil || a.pending.Duplicate {
		return
	}
	a.counts.bytesIn.Add(int64(bytes))
	a.counts.messagesIn.Add(int64(a.pending.EndOffset - a.pending.BaseOffset))
}

func (h *Handler) appendPartition(r *kmsg.ProduceRequest, name model.TopicPartition, records []byte, now model.Timestamp) (partition.Pending, error) {
	acks := partition.Acks(r.Acks)
	if acks != partition.AcksNone && acks != partition.AcksLeader && acks != partition.AcksAll {
		return partition.Pending{}, wire.Errorf(kerr.InvalidRequiredAcks, "acks is %d; it may be 0, 1 or -1", r.Acks)
	}
	p, err := h.partition(name)
	if err != nil {
		return partition.Pending{}, err
	}
	if err := checkProduced(r.Version, records); err != nil {
		return partition.Pending{}, err
	}
	return p.Append(records, partition.Append{
		Origin: storage.FromClient, Acks: acks, Epoch: model.NoLeaderEpoch, Now: now,
	})
}

// checkProduced is what the request's version asks of its records, beyond what
// the log asks.
func checkProduced(version int16, records []byte) error {
	batch, rest, err := record.Split(records)
	switch {
	case errors.Is(err, record.ErrTruncated), errors.Is(err, record.ErrUnsupportedMagic):
		// Kafka's code for a partition that is not one batch of magic 2.
		return wire.Errorf(kerr.InvalidRecord, "%s", err)
	case err != nil:
		return err
	case len(rest) != 0:
		return wire.Errorf(kerr.InvalidRecord, "a partition of a produce request holds exactly one record batch")
	case batch.Attributes().Transactional():
		return wire.Errorf(kerr.TransactionalIDAuthorizationFailed, "transactions are not served yet")
	case batch.Attributes().Codec() == record.CodecZstd && version < 7:
		return wire.Errorf(kerr.UnsupportedCompressionType, "zstd needs Produce version 7 or above")
	}
	return nil
}

// finishProduce is the second stage: wait, and answer.
func (h *Handler) finishProduce(ctx context.Context, req *server.Request, r *kmsg.ProduceRequest, p *produced, dst []byte) ([]byte, error) {
	if err := h.awaitProduced(ctx, r, p.appends); err != nil {
		return nil, err
	}
	var leaders []int32
	for i := range p.appends {
		a := &p.appends[i]
		if a.err != nil {
			if codeOf(a.err) == kerr.NotLeaderForPartition {
				h.awaitLeader(ctx, req.Received, a.name)
			}
			h.failProduced(r, a)
			if a.resp.CurrentLeader.LeaderID >= 0 {
				leaders = append(leaders, a.resp.CurrentLeader.LeaderID)
			}
			continue
		}
		a.resp.BaseOffset = int64(a.pending.BaseOffset)
		if a.pending.BaseOffset == model.NoOffset && r.Acks != 0 {
			// Clients take it for success: KIP-98 made the code for this.
			a.resp.ErrorCode = kerr.DuplicateSequenceNumber.Code
		}
		a.resp.LogAppendTime = int64(a.pending.LogAppendTime)
		a.resp.LogStartOffset = int64(a.pending.StartOffset)
	}
	for _, l := range h.leaderEndpoints(req.Conn, leaders) {
		b := kmsg.NewProduceResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = int32(l.node), l.endpoint.Host, int32(l.endpoint.Port), l.rack
		p.resp.Brokers = append(p.resp.Brokers, b)
	}
	if r.Acks == 0 {
		return nil, droppedUnacknowledged(p.appends)
	}
	return appendResponse(dst, req, &p.resp), nil
}

// awaitProduced waits for every append, at most for the request's timeout. It
// looks first: a request whose appends share a sync with those before it need
// not wait, and then its response goes out together with theirs.
func (h *Handler) awaitProduced(ctx context.Context, r *kmsg.ProduceRequest, appends []produceAppend) error {
	var limit *timeout
	for i := range appends {
		a := &appends[i]
		if a.err != nil {
			continue
		}
		done, err := a.pending.TryWait()
		if done {
			a.err = err
			continue
		}
		if limit == nil {
			limit = h.timeouts.start(max(r.TimeoutMillis, produceTimeoutMinMillis))
			defer h.timeouts.stop(limit)
		}
		if a.err = a.pending.WaitUntil(ctx, limit.over()); errors.Is(a.err, context.DeadlineExceeded) {
			limit.passed()
		}
	}
	if limit != nil {
		return ctx.Err() // the connection has ended, or the node stops
	}
	return nil
}

// droppedUnacknowledged closes the connection of a producer with acks=0 whose
// records were refused: there is no other way to tell it, and it will fetch
// new metadata.
func droppedUnacknowledged(appends []produceAppend) error {
	for i := range appends {
		if appends[i].err != nil {
			return fmt.Errorf("produce with acks=0 to %s: %w", appends[i].name, appends[i].err)
		}
	}
	return nil
}

func (h *Handler) failProduced(r *kmsg.ProduceRequest, a *produceAppend) {
	code := codeOf(a.err)
	if a.counts != nil && isFailure(code) {
		a.counts.produceFailures.Add(1)
	}
	a.resp.ErrorCode = code.Code
	a.resp.ErrorMessage = message(a.err)
	var records *record.InvalidRecordError
	var times *record.InvalidTimestampError
	switch {
	case errors.As(a.err, &records):
		a.resp.ErrorRecords = errorRecords(records.Records)
	case errors.As(a.err, &times):
		a.resp.ErrorRecords = errorRecords(times.Records)
	}
	if r.Version < 10 || code != kerr.NotLeaderForPartition && code != kerr.FencedLeaderEpoch {
		return
	}
	if hint, ok := h.leaderHint(a.name); ok && h.leads(hint) {
		a.resp.CurrentLeader.LeaderID = int32(hint.leader)
		a.resp.CurrentLeader.LeaderEpoch = int32(hint.epoch)
	}
}

func errorRecords(bad []record.RecordError) []kmsg.ProduceResponseTopicPartitionErrorRecord {
	out := make([]kmsg.ProduceResponseTopicPartitionErrorRecord, 0, len(bad))
	for _, b := range bad {
		e := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		e.RelativeOffset = int32(b.Index)
		e.ErrorMessage = kmsg.StringPtr(b.Msg)
		out = append(out, e)
	}
	return out
}
