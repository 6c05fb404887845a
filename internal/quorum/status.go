package quorum

import (
	"sync"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"github.com/chronik/chronik/internal/model"
)

// Status describes the quorum as this node knows it.
type Status struct {
	Leader   model.NodeID // NoNode where none is known
	Term     uint64
	Commit   uint64 // index of the last entry known to be committed
	Voters   []Replica
	Learners []Replica
}

// Replica describes one copy of the metadata log. Only the leader knows of the
// others' ends; elsewhere they are model.NoOffset.
type Replica struct {
	Node      model.NodeID
	Directory model.DirectoryID // zero where the node is not registered
	LogEnd    model.Offset      // exclusive
	// LastContact is when it was heard of, LastCaughtUp when its end was last
	// seen to be the leader's; NoTimestamp for never. The leader's own are now.
	LastContact, LastCaughtUp model.Timestamp
}

// contacts are when other nodes were heard of.
type contacts struct {
	mu *contactTimes
}

type contactTimes struct {
	sync.Mutex
	heard, caughtUp map[uint64]time.Time
}

func newContacts() contacts {
	return contacts{&contactTimes{heard: make(map[uint64]time.Time), caughtUp: make(map[uint64]time.Time)}}
}

func (c contacts) heard(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.heard[id] = time.Now()
}

// caughtUp: when the node was last heard of it had all there was.
func (c contacts) caughtUp(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.mu.heard[id]; ok {
		c.mu.caughtUp[id] = at
	}
}

func (c contacts) of(id uint64) (heard, caughtUp model.Timestamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return timestampOr(c.mu.heard[id]), timestampOr(c.mu.caughtUp[id])
}

func timestampOr(t time.Time) model.Timestamp {
	if t.IsZero() {
		return model.NoTimestamp
	}
	return model.TimestampOf(t)
}

// noteStatus keeps what Status tells; the loop calls it after every change.
func (q *Quorum) noteStatus() {
	m := q.machine
	basic := m.node.BasicStatus()
	last := q.store.lastIndex()
	ends := map[uint64]model.Offset{m.id: model.Offset(last + 1)}
	if m.Leads() {
		m.node.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) {
			if id == m.id {
				return
			}
			ends[id] = model.Offset(p.Match + 1)
			if p.Match == last {
				q.contacts.caughtUp(id)
			}
		})
	}
	replicas := func(ids []uint64) []Replica {
		list := make([]Replica, len(ids))
		for i, id := range ids {
			list[i] = Replica{Node: nodeOf(id), LogEnd: model.NoOffset}
			if end, ok := ends[id]; ok {
				list[i].LogEnd = end
			}
		}
		return list
	}
	members := m.Members()
	q.members.Store(&members)
	before := q.status.Swap(&Status{
		Leader: m.Leader(), Term: basic.GetTerm(), Commit: basic.GetCommit(),
		Voters: replicas(m.conf.GetVoters()), Learners: replicas(m.conf.GetLearners()),
	})
	if before != nil && before.Leader != m.Leader() {
		q.o.LeaderChanged()
	}
}

// Node is this node.
func (q *Quorum) Node() model.NodeID { return q.o.Node }

// Leader is who leads, as far as this node knows; NoNode where nobody is known to.
func (q *Quorum) Leader() model.NodeID { return q.status.Load().Leader }

// Status describes the quorum at this moment.
func (q *Quorum) Status() Status {
	s := *q.status.Load()
	s.Voters, s.Learners = q.complete(s.Voters), q.complete(s.Learners)
	return s
}

// complete adds what is not the loop's to know.
func (q *Quorum) complete(replicas []Replica) []Replica {
	image := q.Image()
	out := make([]Replica, len(replicas))
	for i, r := range replicas {
		if b := image.Brokers.ByID(r.Node); b != nil {
			r.Directory = b.Directory
		}
		r.LastContact, r.LastCaughtUp = q.contacts.of(raftID(r.Node))
		if r.Node == q.o.Node {
			now := model.TimestampOf(time.Now())
			r.LastContact, r.LastCaughtUp = now, now
		}
		out[i] = r
	}
	return out
}
