package api

import (
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// produced is a produce request between its stages.
type produced struct {
	resp    kmsg.ProduceResponse
	appends []produceAppend
}

// producedPool keeps those whose requests are answered, with their slices.
type producedPool struct{ pool sync.Pool }

func (p *producedPool) get() *produced {
	if x, ok := p.pool.Get().(*produced); ok {
		return x
	}
	return new(produced)
}

// put takes back what nobody refers to any more. It keeps nothing of the request alive.
func (p *producedPool) put(x *produced) {
	for i := range x.resp.Topics {
		clear(x.resp.Topics[i].Partitions)
		x.resp.Topics[i].Topic = ""
	}
	clear(x.appends)
	p.pool.Put(x)
}

// begin makes room for the answer to each of the request's partitions, with Kafka's
// defaults.
func (x *produced) begin(r *kmsg.ProduceRequest) {
	topics := x.resp.Topics
	x.resp = kmsg.NewProduceResponse()
	x.resp.Topics = slices.Grow(topics[:0], len(r.Topics))[:len(r.Topics)]
	x.appends = x.appends[:0]
	for i := range r.Topics {
		t := &x.resp.Topics[i]
		partitions := t.Partitions
		*t = kmsg.NewProduceResponseTopic()
		t.Topic, t.TopicID = r.Topics[i].Topic, r.Topics[i].TopicID
		t.Partitions = slices.Grow(partitions[:0], len(r.Topics[i].Partitions))[:len(r.Topics[i].Partitions)]
		for j := range t.Partitions {
			t.Partitions[j] = kmsg.NewProduceResponseTopicPartition()
		}
	}
}
