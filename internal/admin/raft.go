package admin

import (
	"net/http"
	"time"

	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// raftPage is quorum.Status as /debug/raft shows it.
type raftPage struct {
	Node     model.NodeID `json:"node"`
	State    string       `json:"state"` // leader, follower, unattached or observer
	Leader   model.NodeID `json:"leader"`
	Term     uint64       `json:"term"`
	Commit   uint64       `json:"commit"`
	Applied  uint64       `json:"applied"`
	Voters   []raftNode   `json:"voters"`
	Learners []raftNode   `json:"learners"`
}

// raftNode is a copy of the metadata log. Only the leader knows where those of others
// end.
type raftNode struct {
	Node         model.NodeID  `json:"node"`
	Directory    string        `json:"directory,omitempty"`
	LogEnd       *model.Offset `json:"log_end,omitempty"`
	LastContact  *time.Time    `json:"last_contact,omitempty"`
	LastCaughtUp *time.Time    `json:"last_caught_up,omitempty"`
}

func (s *Server) raft(w http.ResponseWriter, _ *http.Request) {
	status := s.options.Quorum()
	page := raftPage{
		Node: s.options.Node, State: metrics.RaftState(&status, s.options.Node), Leader: status.Leader,
		Term: status.Term, Commit: status.Commit, Voters: raftNodes(status.Voters), Learners: raftNodes(status.Learners),
	}
	if image := s.options.Image(); image != nil {
		page.Applied = image.Index
	}
	writeJSON(w, http.StatusOK, page)
}

func raftNodes(replicas []quorum.Replica) []raftNode {
	nodes := make([]raftNode, 0, len(replicas)) // [] and not null
	for _, r := range replicas {
		n := raftNode{Node: r.Node, LogEnd: known(r.LogEnd), LastContact: atTimestamp(r.LastContact), LastCaughtUp: atTimestamp(r.LastCaughtUp)}
		if !r.Directory.IsZero() {
			n.Directory = r.Directory.String()
		}
		nodes = append(nodes, n)
	}
	return nodes
}
