package api

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/server"
)

// TestFetchResponseIsWhatKmsgEncodes compares the two for responses of all kinds.
func TestFetchResponseIsWhatKmsgEncodes(t *testing.T) {
	for version := int16(4); version <= 18; version++ {
		t.Run(fmt.Sprint("v", version), func(t *testing.T) {
			for seed := range uint64(200) {
				r := rand.New(rand.NewPCG(seed, uint64(version)))
				resp := someFetchResponse(r)
				before := make([]byte, r.IntN(10))
				want := appendResponse(bytes.Clone(before), &server.Request{Key: 1, Version: version, CorrelationID: 7}, resp)
				req := &server.Request{Key: 1, Version: version, CorrelationID: 7}
				got := req.WithInserts(appendFetchResponse(bytes.Clone(before), req, resp, nil))
				if !bytes.Equal(got, want) {
					t.Fatalf("seed %d: %+v\n got %x\nwant %x", seed, resp, got, want)
				}
			}
		})
	}
}

func someFetchResponse(r *rand.Rand) *kmsg.FetchResponse {
	resp := kmsg.NewPtrFetchResponse()
	maybe := func() bool { return r.IntN(3) == 0 }
	if maybe() {
		resp.ErrorCode, resp.SessionID, resp.ThrottleMillis = int16(r.IntN(100)), r.Int32(), r.Int32()
	}
	for range r.IntN(3) {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = fmt.Sprint("topic", r.Int()), [16]byte{byte(r.IntN(256))}
		for range r.IntN(3) {
			topic.Partitions = append(topic.Partitions, someFetchedPartition(r, maybe))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	for range r.IntN(3) {
		b := kmsg.NewFetchResponseBroker()
		b.NodeID, b.Host, b.Port = r.Int32(), fmt.Sprint("host", r.Int()), r.Int32()
		if maybe() {
			b.Rack = kmsg.StringPtr("rack")
		}
		resp.Brokers = append(resp.Brokers, b)
	}
	return resp
}

func someFetchedPartition(r *rand.Rand, maybe func() bool) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.HighWatermark, p.LastStableOffset, p.LogStartOffset = r.Int32(), r.Int64(), r.Int64(), r.Int64()
	p.RecordBatches = make([]byte, r.IntN(300))
	if maybe() {
		p.ErrorCode, p.PreferredReadReplica = int16(r.IntN(100)), r.Int32()
	}
	if maybe() {
		p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = r.Int32(), r.Int64()
	}
	if maybe() {
		p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = r.Int32(), r.Int32()
	}
	if maybe() {
		p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
	}
	for range r.IntN(2) {
		a := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		a.ProducerID, a.FirstOffset = r.Int64(), r.Int64()
		p.AbortedTransactions = append(p.AbortedTransactions, a)
	}
	return p
}
