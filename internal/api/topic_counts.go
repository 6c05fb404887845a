package api

import (
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// topicCounts counts what clients do with one topic.
type topicCounts struct {
	messagesIn, bytesIn, bytesOut    atomic.Int64
	produceRequests, produceFailures atomic.Int64
	fetchRequests, fetchFailures     atomic.Int64
}

// topicShards is how many parts the table of counters has: a topic that is used
// for the first time copies one of them.
const topicShards = 64

// topicTable finds a topic's counters without a lock and without an allocation. Its
// parts are maps that are never changed, but replaced under the part's lock.
type topicTable struct {
	image  func() *meta.Image
	shards [topicShards]topicShard
}

type topicShard struct {
	mu     sync.Mutex // held to replace topics
	topics atomic.Pointer[map[model.TopicID]*topicCounts]
	gone   TopicStats // of topics that are deleted; mu guards it
}

func (t *topicTable) shard(id model.TopicID) *topicShard { return &t.shards[id[0]%topicShards] }

// of is the counters of a topic.
func (t *topicTable) of(id model.TopicID) *topicCounts {
	s := t.shard(id)
	if topics := s.topics.Load(); topics != nil {
		if c := (*topics)[id]; c != nil {
			return c
		}
	}
	return s.add(id, t.image())
}

// add makes counters for a topic, and lets those of deleted ones go: so there are
// never many more than topics.
func (s *topicShard) add(id model.TopicID, image *meta.Image) *topicCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[model.TopicID]*topicCounts{}
	if topics := s.topics.Load(); topics != nil {
		if c := (*topics)[id]; c != nil {
			return c
		}
		for other, c := range *topics {
			if image.Topics.ByID(other) == nil {
				s.gone.add(c)
				continue
			}
			next[other] = c
		}
	}
	c := &topicCounts{}
	next[id] = c
	s.topics.Store(&next)
	return c
}

// TopicStats tells what clients did with a topic on this broker.
type TopicStats struct {
	Topic      string // "" for all topics together, those that are deleted included
	MessagesIn int64  // records appended for producers
	BytesIn    int64  // of their batches
	BytesOut   int64  // of batches in answers to Fetch

	// Requests count once a partition that they name, failures once a partition that
	// was refused for another reason than what the client could have known from newer
	// metadata, or an offset out of range.
	ProduceRequests, ProduceFailures int64
	FetchRequests, FetchFailures     int64
}

func (s *TopicStats) add(c *topicCounts) {
	s.MessagesIn += c.messagesIn.Load()
	s.BytesIn += c.bytesIn.Load()
	s.BytesOut += c.bytesOut.Load()
	s.ProduceRequests += c.produceRequests.Load()
	s.ProduceFailures += c.produceFailures.Load()
	s.FetchRequests += c.fetchRequests.Load()
	s.FetchFailures += c.fetchFailures.Load()
}

func (s *TopicStats) plus(o TopicStats) {
	s.MessagesIn += o.MessagesIn
	s.BytesIn += o.BytesIn
	s.BytesOut += o.BytesOut
	s.ProduceRequests += o.ProduceRequests
	s.ProduceFailures += o.ProduceFailures
	s.FetchRequests += o.FetchRequests
	s.FetchFailures += o.FetchFailures
}

// stats is of every topic that was used and exists, in no particular order, and
// of all together.
func (t *topicTable) stats() (each []TopicStats, all TopicStats) {
	image := t.image()
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		gone, topics := s.gone, s.topics.Load()
		s.mu.Unlock()
		all.plus(gone)
		if topics == nil {
			continue
		}
		for id, c := range *topics {
			var st TopicStats
			st.add(c)
			all.plus(st)
			if topic := image.Topics.ByID(id); topic != nil {
				st.Topic = topic.Name
				each = append(each, st)
			}
		}
	}
	return each, all
}

// isFailure reports whether an answer to Produce or Fetch counts as a failure: not
// where it sends the client to ask again, which is no more than what a change
// of leaders costs, nor where a consumer's position is not in the log.
func isFailure(code *kerr.Error) bool {
	switch code {
	case nil, kerr.NotLeaderForPartition, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch,
		kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.OffsetNotAvailable, kerr.OffsetOutOfRange:
		return false
	}
	return true
}
