package api

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// Session ids and epochs with a meaning of their own (KIP-227).
const (
	noSession         = 0
	finalSessionEpoch = -1 // close the session, if any; answer in full
	firstSessionEpoch = 0  // open a session
)

// sessionEvictAfter is how long a session must have been idle before any new one
// may take its slot, and how old it must be before a larger one may (Kafka's
// min.incremental.fetch.session.eviction.ms, which is no setting there either).
const sessionEvictAfter = 2 * time.Minute

// fetchKey names a partition as the requests of a session name it.
type fetchKey struct {
	topic     string        // v0–v12
	id        model.TopicID // v13+
	partition int32
}

// fetchPartition is one partition of a fetch, with what the client was told
// last, so that an incremental response can leave out what has not changed.
type fetchPartition struct {
	key    fetchKey
	params kmsg.FetchRequestTopicPartition
	told   toldPartition
}

type toldPartition struct {
	known         bool
	highWatermark int64
	logStart      int64
}

// fetchSession is what the broker remembers between the fetches of a consumer.
// Guarded by fetchSessions.mu.
type fetchSession struct {
	id   int32
	next int32 // the epoch the next request must carry
	byID bool
	// order is whom to serve first; those that got data go to the end, so that
	// one busy partition does not starve the others.
	order    []*fetchPartition
	byKey    map[fetchKey]*fetchPartition
	opened   time.Time
	lastUsed time.Time
}

// fetchSessions is the broker's cache of sessions.
type fetchSessions struct {
	slots int
	mu    struct {
		sync.Mutex
		byID map[int32]*fetchSession
	}
}

func newFetchSessions(slots int) *fetchSessions {
	s := &fetchSessions{slots: slots}
	s.mu.byID = make(map[int32]*fetchSession)
	return s
}

func (s *fetchSessions) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.byID)
}

// fetchPlan is one fetch after its session has been looked at.
type fetchPlan struct {
	sessionID   int32 // to answer with; 0 where there is no session
	incremental bool
	session     *fetchSession
	partitions  []*fetchPartition
}

// begin works out which partitions a request fetches.
func (s *fetchSessions) begin(r *kmsg.FetchRequest, now time.Time) (*fetchPlan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.SessionEpoch == finalSessionEpoch:
		delete(s.mu.byID, r.SessionID)
		return &fetchPlan{partitions: requested(r)}, nil
	case r.SessionEpoch == firstSessionEpoch:
		delete(s.mu.byID, r.SessionID)
		plan := &fetchPlan{partitions: requested(r)}
		s.openLocked(r, plan, now)
		return plan, nil
	}
	session := s.mu.byID[r.SessionID]
	switch {
	case session == nil:
		return nil, wire.Errorf(kerr.FetchSessionIDNotFound, "there is no fetch session %d", r.SessionID)
	case session.next != r.SessionEpoch:
		return nil, wire.Errorf(kerr.InvalidFetchSessionEpoch, "fetch session %d is at epoch %d", session.id, session.next)
	case session.byID != (r.Version >= 13):
		return nil, wire.Errorf(kerr.FetchSessionTopicIDError, "fetch session %d changed between topic names and ids", session.id)
	}
	session.update(r)
	session.next = nextSessionEpoch(session.next)
	session.lastUsed = now
	return &fetchPlan{
		sessionID: session.id, incremental: true, session: session,
		partitions: append([]*fetchPartition(nil), session.order...),
	}, nil
}

// nextSessionEpoch wraps to 1: 0 opens a session.
func nextSessionEpoch(e int32) int32 {
	if e++; e <= 0 {
		return 1
	}
	return e
}

// requested lists a full request's partitions; a partition named twice counts
// once, as it last stood.
func requested(r *kmsg.FetchRequest) []*fetchPartition {
	session := fetchSession{byKey: make(map[fetchKey]*fetchPartition)}
	session.update(r)
	return session.order
}

func (f *fetchSession) update(r *kmsg.FetchRequest) {
	for i := range r.ForgottenTopics {
		t := &r.ForgottenTopics[i]
		for _, p := range t.Partitions {
			f.forget(fetchKey{topic: t.Topic, id: t.TopicID, partition: p})
		}
	}
	for i := range r.Topics {
		t := &r.Topics[i]
		for _, p := range t.Partitions {
			key := fetchKey{topic: t.Topic, id: t.TopicID, partition: p.Partition}
			known := f.byKey[key]
			if known == nil {
				known = &fetchPartition{key: key}
				f.byKey[key] = known
				f.order = append(f.order, known)
			}
			known.params = p
		}
	}
}

func (f *fetchSession) forget(key fetchKey) {
	known := f.byKey[key]
	if known == nil {
		return
	}
	delete(f.byKey, key)
	for i, p := range f.order {
		if p == known {
			f.order = append(f.order[:i:i], f.order[i+1:]...)
			return
		}
	}
}

// openLocked gives the plan a new session, where there is a slot.
func (s *fetchSessions) openLocked(r *kmsg.FetchRequest, plan *fetchPlan, now time.Time) {
	if r.Version < 7 || len(plan.partitions) == 0 || !s.makeRoomLocked(len(plan.partitions), now) {
		return
	}
	session := &fetchSession{
		next: 1, byID: r.Version >= 13, order: plan.partitions, opened: now, lastUsed: now,
		byKey: make(map[fetchKey]*fetchPartition, len(plan.partitions)),
	}
	for _, p := range plan.partitions {
		session.byKey[p.key] = p
	}
	for session.id == noSession || s.mu.byID[session.id] != nil {
		session.id = rand.Int32()
	}
	s.mu.byID[session.id] = session
	plan.session, plan.sessionID = session, session.id
	plan.partitions = append([]*fetchPartition(nil), session.order...)
}

// makeRoomLocked reports whether a slot is free for a session of so many
// partitions, if need be by evicting another: the one idle for longest where that
// is long enough, or else the smallest that is old enough and smaller than the new
// one, since a session saves the more the more partitions it has (KIP-227).
func (s *fetchSessions) makeRoomLocked(partitions int, now time.Time) bool {
	if len(s.mu.byID) < s.slots {
		return true
	}
	var oldest, smallest *fetchSession
	for _, session := range s.mu.byID {
		if oldest == nil || session.lastUsed.Before(oldest.lastUsed) {
			oldest = session
		}
		// As old as it was when it was used last: the first fetches of a session
		// would not save anything if it were evicted before the next.
		if session.lastUsed.Sub(session.opened) > sessionEvictAfter &&
			(smallest == nil || len(session.order) < len(smallest.order)) {
			smallest = session
		}
	}
	switch {
	case oldest == nil:
		return false
	case now.Sub(oldest.lastUsed) > sessionEvictAfter:
		delete(s.mu.byID, oldest.id)
	case smallest != nil && len(smallest.order) < partitions:
		delete(s.mu.byID, smallest.id)
	default:
		return false
	}
	return true
}

// finish remembers what the client is about to be told, and returns what of it
// to say: all of it in full, otherwise what is news.
func (s *fetchSessions) finish(plan *fetchPlan, results []fetchResult) []fetchResult {
	if plan.session == nil {
		return results
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var said []fetchResult
	var fed, hungry []*fetchPartition
	fedSet := make(map[*fetchPartition]bool)
	for _, r := range results {
		if r.isNews() || !plan.incremental {
			said = append(said, r)
		}
		r.partition.told = toldPartition{
			known:         r.resp.ErrorCode == 0,
			highWatermark: r.resp.HighWatermark,
			logStart:      r.resp.LogStartOffset,
		}
		if r.recordBytes() > 0 {
			fedSet[r.partition] = true
		}
	}
	if len(fedSet) > 0 {
		for _, p := range plan.session.order {
			if fedSet[p] {
				fed = append(fed, p)
			} else {
				hungry = append(hungry, p)
			}
		}
		plan.session.order = append(hungry, fed...)
	}
	return said
}

// isNews reports whether the client must hear of a partition.
func (r *fetchResult) isNews() bool {
	told := r.partition.told
	return r.recordBytes() > 0 || r.resp.ErrorCode != 0 || r.diverging ||
		!told.known || told.highWatermark != r.resp.HighWatermark || told.logStart != r.resp.LogStartOffset
}
