package broker

import (
	"testing"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/model"
)

func TestWhichRejectionsEndAStart(t *testing.T) {
	type said struct {
		node    model.NodeID
		address string
		known   []string
		ends    bool
	}
	one, two := config.Peer{Node: 1, Address: "a:1"}, config.Peer{Node: 2, Address: "b:1"}
	for name, c := range map[string]struct {
		peers []config.Peer
		said  []said
	}{
		"at the only address, which --peers give": {[]config.Peer{one, two}, []said{{1, "a:1", []string{"a:1"}, true}}},
		"at the only address, which is registered": {[]config.Peer{two}, []said{
			{1, "a:1", []string{"a:1"}, false}, {1, "a:1", []string{"a:1"}, false},
		}},
		"at the only address, which --peers give to another node": {[]config.Peer{two}, []said{{1, "b:1", []string{"b:1"}, false}}},
		"at a registered one of several":                          {[]config.Peer{one}, []said{{1, "old:1", []string{"old:1", "a:1"}, false}}},
		"at that of --peers, of several, by the only node that they name": {[]config.Peer{one}, []said{
			{1, "a:1", []string{"new:1", "a:1"}, false}, {1, "a:1", []string{"new:1", "a:1"}, false},
		}},
		"at that of --peers, of several, by one node": {[]config.Peer{one, two}, []said{
			{1, "a:1", []string{"new:1", "a:1"}, false}, {1, "a:1", []string{"new:1", "a:1"}, false}, {2, "old:1", []string{"old:1", "b:1"}, false},
		}},
		"at those of --peers, of several, by all": {[]config.Peer{one, two}, []said{
			{1, "a:1", []string{"new:1", "a:1"}, false}, {2, "b:1", []string{"old:1", "b:1"}, true},
		}},
	} {
		var r rejections
		for i, s := range c.said {
			if got := r.final(s.node, s.address, s.known, c.peers); got != s.ends {
				t.Errorf("%s: number %d ends the start: %t", name, i, got)
			}
		}
	}
}
