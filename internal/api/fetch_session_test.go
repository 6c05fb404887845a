package api

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sessionRequest fetches some partitions as request epoch of a session.
func sessionRequest(id, epoch int32, partitions int32) *kmsg.FetchRequest {
	r := kmsg.NewPtrFetchRequest()
	r.Version, r.SessionID, r.SessionEpoch = 12, id, epoch
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "t"
	for i := range partitions {
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition = i
		topic.Partitions = append(topic.Partitions, p)
	}
	r.Topics = append(r.Topics, topic)
	return r
}

// A session that has not been used for two minutes gives its slot to a new one,
// and the one idle for longest goes first.
func TestIdleFetchSessionsMakeRoom(t *testing.T) {
	s := newFetchSessions(2)
	began := time.Unix(1_700_000_000, 0)
	begin := func(id, epoch int32, after time.Duration) (int32, error) {
		plan, err := s.begin(sessionRequest(id, epoch, 1), began.Add(after))
		if err != nil {
			return 0, err
		}
		return plan.sessionID, nil
	}
	open := func(after time.Duration) int32 {
		t.Helper()
		id, err := begin(0, 0, after)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first, second := open(0), open(time.Second)
	if first == 0 || second == 0 || first == second {
		t.Fatalf("two slots, and sessions %d and %d", first, second)
	}
	if id := open(sessionEvictAfter - time.Millisecond); id != 0 {
		t.Errorf("session %d was opened while both slots were in use", id)
	}
	if _, err := begin(first, 1, sessionEvictAfter); err != nil { // the first is in use again
		t.Fatal(err)
	}
	if id := open(sessionEvictAfter); id != 0 {
		t.Errorf("session %d was opened; the second was idle for less than it may be", id)
	}
	third := open(sessionEvictAfter + time.Second + time.Millisecond)
	if third == 0 {
		t.Fatal("the second session keeps its slot, idle")
	}
	if _, err := begin(second, 1, sessionEvictAfter+2*time.Second); err == nil || codeOf(err) != kerr.FetchSessionIDNotFound {
		t.Errorf("the evicted session: %v", err)
	}
	if _, err := begin(first, 2, sessionEvictAfter+2*time.Second); err != nil {
		t.Errorf("the session in use: %v", err)
	}
}

// Where all sessions are in use, a new one takes the slot of the smallest that is
// smaller than it, once that has been used for more than two minutes.
func TestSmallFetchSessionsMakeRoomForLargerOnes(t *testing.T) {
	s := newFetchSessions(2)
	began := time.Unix(1_700_000_000, 0)
	request := func(id, epoch, partitions int32, after time.Duration) int32 {
		t.Helper()
		plan, err := s.begin(sessionRequest(id, epoch, partitions), began.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return plan.sessionID
	}
	small, large := request(0, 0, 2, 0), request(0, 0, 5, 0)
	request(small, 1, 2, sessionEvictAfter)
	request(large, 1, 5, sessionEvictAfter)
	if id := request(0, 0, 3, sessionEvictAfter); id != 0 {
		t.Errorf("session %d was opened while the others were young", id)
	}
	request(small, 2, 2, sessionEvictAfter+time.Second)
	request(large, 2, 5, sessionEvictAfter+time.Second)
	if id := request(0, 0, 2, sessionEvictAfter+time.Second); id != 0 {
		t.Errorf("session %d was opened in place of one no smaller", id)
	}
	if id := request(0, 0, 3, sessionEvictAfter+time.Second); id == 0 {
		t.Error("no session for three partitions in place of one of two")
	}
	if _, err := s.begin(sessionRequest(small, 3, 2), began.Add(sessionEvictAfter+time.Second)); codeOf(err) != kerr.FetchSessionIDNotFound {
		t.Errorf("the smaller session: %v", err)
	}
	request(large, 3, 5, sessionEvictAfter+time.Second)
}
