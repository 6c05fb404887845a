package api

import (
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/wire"
)

// Versions of Fetch in which its response has changed.
const (
	fetchSinceSessions = 7  // and an error of the whole
	fetchSinceRack     = 11 // PreferredReadReplica
	fetchSinceTopicIDs = 13
	fetchSinceLogStart = 5
	fetchBrokersTag    = 0
	fetchDivergingTag  = 0
	fetchLeaderTag     = 1
	fetchDivergingSize = 4 + 8 + 1
	fetchLeaderSize    = 4 + 4 + 1
)

// appendFetchResponse appends what kmsg would, but for the records: those are inserted
// where they are (server.Request.Insert), for copying them costs as much as reading
// them. Versions 4 to 18; no field of later ones, or of replicas', is set.
func appendFetchResponse(dst []byte, req *server.Request, resp *kmsg.FetchResponse, lent lentRecords) []byte {
	resp.SetVersion(req.Version)
	e := fetchEncoder{version: req.Version, flexible: resp.IsFlexible(), req: req, lent: lent}
	e.dst = wire.AppendResponseHeader(dst, req.Key, req.Version, req.CorrelationID)
	e.dst = kbin.AppendInt32(e.dst, resp.ThrottleMillis)
	if e.version >= fetchSinceSessions {
		e.dst = kbin.AppendInt16(e.dst, resp.ErrorCode)
		e.dst = kbin.AppendInt32(e.dst, resp.SessionID)
	}
	e.arrayLen(len(resp.Topics))
	for i := range resp.Topics {
		e.topic(&resp.Topics[i])
	}
	if e.flexible {
		e.brokers(resp.Brokers)
	}
	return e.dst
}

// lentRecords has, for each partition of a response in order, the records that are sent
// from the log's files; nil: those in the response.
type lentRecords []*storage.Lent

// next takes the next partition's.
func (l *lentRecords) next() *storage.Lent {
	if len(*l) == 0 {
		return nil
	}
	first := (*l)[0]
	*l = (*l)[1:]
	return first
}

type fetchEncoder struct {
	lent     lentRecords // of the partitions that come
	dst      []byte
	version  int16
	flexible bool
	req      *server.Request
}

func (e *fetchEncoder) topic(t *kmsg.FetchResponseTopic) {
	switch {
	case e.version >= fetchSinceTopicIDs:
		e.dst = kbin.AppendUuid(e.dst, t.TopicID)
	case e.flexible:
		e.dst = kbin.AppendCompactString(e.dst, t.Topic)
	default:
		e.dst = kbin.AppendString(e.dst, t.Topic)
	}
	e.arrayLen(len(t.Partitions))
	for i := range t.Partitions {
		e.partition(&t.Partitions[i])
	}
	e.noTags()
}

func (e *fetchEncoder) partition(p *kmsg.FetchResponseTopicPartition) {
	e.dst = kbin.AppendInt32(e.dst, p.Partition)
	e.dst = kbin.AppendInt16(e.dst, p.ErrorCode)
	e.dst = kbin.AppendInt64(e.dst, p.HighWatermark)
	e.dst = kbin.AppendInt64(e.dst, p.LastStableOffset)
	if e.version >= fetchSinceLogStart {
		e.dst = kbin.AppendInt64(e.dst, p.LogStartOffset)
	}
	if e.flexible {
		e.dst = kbin.AppendCompactNullableArrayLen(e.dst, len(p.AbortedTransactions), p.AbortedTransactions == nil)
	} else {
		e.dst = kbin.AppendNullableArrayLen(e.dst, len(p.AbortedTransactions), p.AbortedTransactions == nil)
	}
	for i := range p.AbortedTransactions {
		e.dst = kbin.AppendInt64(e.dst, p.AbortedTransactions[i].ProducerID)
		e.dst = kbin.AppendInt64(e.dst, p.AbortedTransactions[i].FirstOffset)
		e.noTags()
	}
	if e.version >= fetchSinceRack {
		e.dst = kbin.AppendInt32(e.dst, p.PreferredReadReplica)
	}
	e.records(p.RecordBatches)
	if e.flexible {
		e.partitionTags(p)
	}
}

func (e *fetchEncoder) records(batches []byte) {
	n, lent := len(batches), e.lent.next()
	if lent != nil {
		n = int(lent.Length)
	}
	if e.flexible {
		e.dst = kbin.AppendUvarint(e.dst, uint32(n)+1)
	} else {
		e.dst = kbin.AppendInt32(e.dst, int32(n))
	}
	if lent != nil {
		e.req.InsertFile(e.dst, lent.File, lent.Position, lent.Length)
	} else {
		e.req.Insert(e.dst, batches)
	}
}

func (e *fetchEncoder) partitionTags(p *kmsg.FetchResponseTopicPartition) {
	diverging := p.DivergingEpoch.Epoch >= 0 || p.DivergingEpoch.EndOffset >= 0
	leader := p.CurrentLeader.LeaderID >= 0 || p.CurrentLeader.LeaderEpoch >= 0
	tags := uint32(0)
	for _, there := range []bool{diverging, leader} {
		if there {
			tags++
		}
	}
	e.dst = kbin.AppendUvarint(e.dst, tags)
	if diverging {
		e.tag(fetchDivergingTag, fetchDivergingSize)
		e.dst = kbin.AppendInt32(e.dst, p.DivergingEpoch.Epoch)
		e.dst = kbin.AppendInt64(e.dst, p.DivergingEpoch.EndOffset)
		e.noTags()
	}
	if leader {
		e.tag(fetchLeaderTag, fetchLeaderSize)
		e.dst = kbin.AppendInt32(e.dst, p.CurrentLeader.LeaderID)
		e.dst = kbin.AppendInt32(e.dst, p.CurrentLeader.LeaderEpoch)
		e.noTags()
	}
}

func (e *fetchEncoder) brokers(all []kmsg.FetchResponseBroker) {
	if len(all) == 0 {
		e.noTags()
		return
	}
	e.dst = kbin.AppendUvarint(e.dst, 1)
	inner := fetchEncoder{flexible: true}
	inner.arrayLen(len(all))
	for i := range all {
		inner.dst = kbin.AppendInt32(inner.dst, all[i].NodeID)
		inner.dst = kbin.AppendCompactString(inner.dst, all[i].Host)
		inner.dst = kbin.AppendInt32(inner.dst, all[i].Port)
		inner.dst = kbin.AppendCompactNullableString(inner.dst, all[i].Rack)
		inner.noTags()
	}
	e.tag(fetchBrokersTag, len(inner.dst))
	e.dst = append(e.dst, inner.dst...)
}

func (e *fetchEncoder) arrayLen(n int) {
	if e.flexible {
		e.dst = kbin.AppendCompactArrayLen(e.dst, n)
	} else {
		e.dst = kbin.AppendArrayLen(e.dst, n)
	}
}

func (e *fetchEncoder) tag(number uint32, size int) {
	e.dst = kbin.AppendUvarint(kbin.AppendUvarint(e.dst, number), uint32(size))
}

func (e *fetchEncoder) noTags() {
	if e.flexible {
		e.dst = append(e.dst, 0)
	}
}
