package brokertest

import (
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/record"
)

// sessionClient fetches from topic t as a consumer with a session does (KIP-227).
type sessionClient struct {
	*Raw
	id, epoch int32
}

// fetchOf is a fetch that does not wait, of partitions of t from offsets.
func fetchOf(from map[int32]int64) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.Version, r.ReplicaID, r.MaxBytes, r.MinBytes = 12, -1, 1<<20, 1
	if len(from) == 0 {
		return r
	}
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "t"
	for _, partition := range slices.Sorted(maps.Keys(from)) {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, from[partition], 1<<20
		topic.Partitions = append(topic.Partitions, p)
	}
	r.Topics = append(r.Topics, topic)
	return r
}

// ask sends a fetch as the next of the session.
func (c *sessionClient) ask(r *kmsg.FetchRequest) *kmsg.FetchResponse {
	r.SessionID, r.SessionEpoch = c.id, c.epoch
	return c.Ask(r).(*kmsg.FetchResponse)
}

// fetch goes on with the session and expects to hear of partitions, by number
// with the count of their bytes.
func (c *sessionClient) fetch(r *kmsg.FetchRequest, want map[int32]int) {
	c.t.Helper()
	resp := c.ask(r)
	if resp.ErrorCode != 0 || resp.SessionID != c.id && c.epoch != 0 {
		c.t.Fatalf("epoch %d: session %d, %v", c.epoch, resp.SessionID, kerr.ErrorForCode(resp.ErrorCode))
	}
	c.id = resp.SessionID
	got := make(map[int32]int)
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			if p.ErrorCode != 0 {
				c.t.Errorf("partition %d: %v", p.Partition, kerr.ErrorForCode(p.ErrorCode))
			}
			got[p.Partition] = len(p.RecordBatches)
		}
	}
	if !maps.Equal(got, want) {
		c.t.Errorf("epoch %d: told of partitions with bytes %v, want %v", c.epoch, got, want)
	}
	c.epoch++
}

// refused expects the next request to fail, whatever its epoch.
func (c *sessionClient) refused(r *kmsg.FetchRequest, want *kerr.Error) {
	c.t.Helper()
	if resp := c.ask(r); resp.ErrorCode != want.Code || len(resp.Topics) != 0 {
		c.t.Errorf("epoch %d: %v with %d topics, want %v", c.epoch, kerr.ErrorForCode(resp.ErrorCode), len(resp.Topics), want)
	}
}

func forget(r *kmsg.FetchRequest, partitions ...int32) *kmsg.FetchRequest {
	topic := kmsg.NewFetchRequestForgottenTopic()
	topic.Topic, topic.Partitions = "t", partitions
	r.ForgottenTopics = append(r.ForgottenTopics, topic)
	return r
}

func TestFetchSessionTellsOfWhatHasChanged(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 3, "t")
	batch := goodBatch(record.CodecNone, []byte("v"))
	c := &sessionClient{Raw: b.Raw(t)}
	c.fetch(fetchOf(map[int32]int64{0: 0, 1: 0, 2: 0}), map[int32]int{0: 0, 1: 0, 2: 0}) // all, in full
	if c.id == 0 {
		t.Fatal("no session was opened")
	}
	c.fetch(fetchOf(nil), map[int32]int{})
	produceTo(t, b.Raw(t), -1, "t", batch)
	c.fetch(fetchOf(nil), map[int32]int{0: len(batch)})
	c.fetch(fetchOf(nil), map[int32]int{0: len(batch)})                   // from where the client last said
	c.fetch(fetchOf(map[int32]int64{0: 1}), map[int32]int{})              // only what changes is named
	c.fetch(forget(fetchOf(nil), 0), map[int32]int{})                     // and what is no longer wanted
	produceTo(t, b.Raw(t), -1, "t", batch)                                // of which
	c.fetch(fetchOf(nil), map[int32]int{})                                // nothing is heard
	c.fetch(fetchOf(map[int32]int64{0: 1}), map[int32]int{0: len(batch)}) // until it is wanted again
}

func TestFetchSessionsAreHeldToTheirEpochs(t *testing.T) {
	b := Start(t, t.TempDir())
	createTopic(t, b, 1, "t")
	c := &sessionClient{Raw: b.Raw(t)}
	all := func() *kmsg.FetchRequest { return fetchOf(map[int32]int64{0: 0}) }
	c.fetch(all(), map[int32]int{0: 0})
	c.fetch(fetchOf(nil), map[int32]int{})

	skipping := &sessionClient{Raw: c.Raw, id: c.id, epoch: c.epoch + 1}
	skipping.refused(fetchOf(nil), kerr.InvalidFetchSessionEpoch)
	repeating := &sessionClient{Raw: c.Raw, id: c.id, epoch: c.epoch - 1}
	repeating.refused(fetchOf(nil), kerr.InvalidFetchSessionEpoch)
	unknown := &sessionClient{Raw: c.Raw, id: c.id ^ 1, epoch: 1}
	unknown.refused(fetchOf(nil), kerr.FetchSessionIDNotFound)
	byID := fetchOf(nil)
	byID.Version = 13
	c.refused(byID, kerr.FetchSessionTopicIDError)
	c.fetch(fetchOf(nil), map[int32]int{}) // none of them has harmed it

	// An epoch of 0 opens another in its place, -1 closes it.
	old := c.id
	c.epoch = 0
	c.fetch(all(), map[int32]int{0: 0})
	(&sessionClient{Raw: c.Raw, id: old, epoch: 1}).refused(fetchOf(nil), kerr.FetchSessionIDNotFound)
	closing := &sessionClient{Raw: c.Raw, id: c.id, epoch: -1}
	if resp := closing.ask(all()); resp.ErrorCode != 0 || resp.SessionID != 0 || len(resp.Topics) != 1 {
		t.Errorf("the last fetch: session %d, code %d, %d topics", resp.SessionID, resp.ErrorCode, len(resp.Topics))
	}
	c.refused(fetchOf(nil), kerr.FetchSessionIDNotFound)
}

// Who finds no slot free fetches without a session, and in full.
func TestFetchSessionsAreLimited(t *testing.T) {
	b := Start(t, t.TempDir(), "max.incremental.fetch.session.cache.slots=1")
	createTopic(t, b, 1, "t")
	first, second := &sessionClient{Raw: b.Raw(t)}, &sessionClient{Raw: b.Raw(t)}
	all := func() *kmsg.FetchRequest { return fetchOf(map[int32]int64{0: 0}) }
	first.fetch(all(), map[int32]int{0: 0})
	second.fetch(all(), map[int32]int{0: 0})
	if first.id == 0 || second.id != 0 {
		t.Fatalf("one slot, and sessions %d and %d", first.id, second.id)
	}
	first.fetch(fetchOf(nil), map[int32]int{}) // in use, it keeps its slot
	first.epoch = -1
	first.ask(all())
	second.epoch = 0
	second.fetch(all(), map[int32]int{0: 0})
	if second.id == 0 {
		t.Error("the slot of a closed session is not free")
	}
}
