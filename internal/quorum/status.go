package quorum

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/tracker"

	"github.com/chronik/chronik/internal/model"
)

// Status describes the quorum, as this node sees it.
type Status struct {
	Leader model.NodeID // NoNode where it is not known
	Term   uint64
	// Commit is the index of the last entry known to be committed.
	Commit   uint64
	Voters   []Replica
	Learners []Replica
}

// Replica is a node that has the metadata log. What the leader alone knows is
// -1 elsewhere.
type Replica struct {
	Node      model.NodeID
	Directory model.DirectoryID
	// LogEnd is the index after the last entry it is known to hold.
	LogEnd       int64
	LastContact  model.Timestamp
	LastCaughtUp model.Timestamp
}

// Status is a snapshot of the quorum's state.
func (q *Quorum) Status() Status {
	s := *q.status.Load()
	now := model.TimestampOf(time.Now())
	for _, replicas := range [...][]Replica{s.Voters, s.Learners} {
		for i := range replicas {
			if b := q.Image().Brokers.ByID(replicas[i].Node); b != nil {
				replicas[i].Directory = b.Directory
			}
			if replicas[i].Node == q.options.Node {
				replicas[i].LastContact, replicas[i].LastCaughtUp = now, now
			}
		}
	}
	return s
}

// updateStatus is called by the raft goroutine, and before it has begun.
func (q *Quorum) updateStatus() {
	basic := q.core.raft.BasicStatus()
	s := &Status{Leader: nodeID(basic.Lead), Term: basic.GetTerm(), Commit: basic.GetCommit()}
	ends := make(map[uint64]uint64)
	if basic.RaftState == raft.StateLeader {
		q.core.raft.WithProgress(func(id uint64, _ raft.ProgressType, p tracker.Progress) { ends[id] = p.Match })
	}
	describe := func(ids []uint64) (replicas []Replica) {
		for _, id := range ids {
			r := Replica{Node: nodeID(id), LogEnd: -1, LastContact: model.NoTimestamp, LastCaughtUp: model.NoTimestamp}
			if end, ok := ends[id]; ok {
				r.LogEnd = int64(end) + 1
			}
			replicas = append(replicas, r)
		}
		return replicas
	}
	s.Voters = describe(q.core.state.members.GetVoters())
	s.Learners = describe(q.core.state.members.GetLearners())
	q.status.Store(s)
}
