package broker

import (
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/peer"
)

func TestWhoIsLetIn(t *testing.T) {
	dir := model.DirectoryID{1}
	registered := func(node model.NodeID, directory model.DirectoryID) meta.Brokers {
		image, _, err := new(meta.Image).Apply([]meta.Record{
			&meta.RegisterBrokerRecord{Broker: meta.Broker{ID: node, Epoch: 1, Directory: directory}},
		}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return image.Brokers
	}
	voters := []model.NodeID{1, 2, 3}
	member := known{node: 1, cluster: "ours", agreed: true, voters: voters, brokers: registered(2, dir)}
	started := member // with others, and has not heard of them yet
	started.agreed = false
	fresh := known{node: 1, voters: voters}
	tests := []struct {
		name   string
		known  known
		hello  peer.Hello
		reason string // "": let in
		final  bool
	}{
		{"a restarted member", member, peer.Hello{Node: 2, ClusterID: "ours", Directory: dir, Voters: voters}, "", false},
		{"a member that has not heard of its cluster yet", member, peer.Hello{Node: 2, Directory: dir, Voters: voters}, "", false},
		{"a node that comes for the first time", member, peer.Hello{Node: 3, Directory: model.DirectoryID{3}, Voters: voters}, "", false},
		{"a member whose directory has got another id", member, peer.Hello{Node: 2, ClusterID: "ours", Directory: model.DirectoryID{9}, Voters: voters}, "", false},
		{"both begin", fresh, peer.Hello{Node: 2, Directory: dir, Voters: voters}, "", false},
		{"a member, to one that begins", fresh, peer.Hello{Node: 2, ClusterID: "ours", Directory: dir, Voters: voters}, "", false},
		{"a node that does not say who votes", member, peer.Hello{Node: 2, ClusterID: "ours", Directory: dir}, "", false},
		{"a node that joins", member, peer.Hello{Node: 4, Directory: model.DirectoryID{4}}, "", false},
		{"a node that joins, to one that does", known{node: 5}, peer.Hello{Node: 4, Directory: model.DirectoryID{4}}, "", false},
		{"a member, to one that joins", known{node: 4}, peer.Hello{Node: 2, ClusterID: "ours", Directory: dir, Voters: voters}, "", false},
		{"one that this node has not heard of yet", member, peer.Hello{Node: 4, ClusterID: "ours", Directory: model.DirectoryID{4}, Voters: []model.NodeID{1, 2, 3, 4}}, "", false},
		{"one that has not heard of the newest voters yet", member, peer.Hello{Node: 2, ClusterID: "ours", Directory: dir, Voters: []model.NodeID{1, 2}}, "", false},

		{"an emptied voter", member, peer.Hello{Node: 2, Directory: model.DirectoryID{9}, Voters: voters}, "comes with an empty data directory", true},
		{"another cluster's directory", member, peer.Hello{Node: 2, ClusterID: "theirs", Directory: dir, Voters: voters}, "is of cluster theirs", true},
		{"an emptied voter that would join", member, peer.Hello{Node: 3, Directory: model.DirectoryID{9}}, "comes with an empty data directory", true},
		{"not a voter", member, peer.Hello{Node: 4, Directory: dir, Voters: []model.NodeID{1, 2, 4}}, "start it without --bootstrap", true},
		{"other peers", member, peer.Hello{Node: 2, Directory: dir, Voters: []model.NodeID{1, 2}}, "was to begin one with the voters [1 2]", true},
		{"the same id", member, peer.Hello{Node: 1, ClusterID: "ours", Directory: dir, Voters: voters}, "is here already", true},
		{"an emptied voter, when all start", started, peer.Hello{Node: 2, Directory: model.DirectoryID{9}, Voters: voters}, "comes with an empty data directory", false},
		{"another cluster's directory, when all start", started, peer.Hello{Node: 2, ClusterID: "theirs", Directory: dir, Voters: voters}, "is of cluster theirs", false},
		{"other peers, where either may be wrong", fresh, peer.Hello{Node: 2, Voters: []model.NodeID{1, 2}}, "correct --node-id or --peers", false},
		{"not a voter, where either may be wrong", fresh, peer.Hello{Node: 4, Voters: []model.NodeID{1, 2, 4}}, "correct --node-id", false},
		{"the same id, where either may be wrong", fresh, peer.Hello{Node: 1, Voters: voters}, "is here already", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.known.judge(tt.hello)
			switch {
			case r == nil && tt.reason != "":
				t.Errorf("let in; want %q", tt.reason)
			case r != nil && tt.reason == "":
				t.Errorf("refused: %s", r.Reason)
			case r != nil && (!strings.Contains(r.Reason, tt.reason) || r.Final != tt.final):
				t.Errorf("final %t: %s", r.Final, r.Reason)
			}
		})
	}
}
