package metrics

import (
	"slices"
	"strconv"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
)

// raftFamilies are of the metadata log. Offsets are indexes of that log, ends exclusive.
func raftFamilies() []family {
	state := func(s *scrape, out *output) { out.add(1, RaftState(&s.quorum, s.node)) }
	const stateHelp = "1, with what this node is in the metadata quorum: leader, follower, unattached (it knows no leader), observer."
	return []family{
		raft("current_state_info", []string{"state"}, stateHelp, state),
		raft("current_state", []string{"state"}, "The same, as newer JMX exporters name it.", state),
		raft("current_leader", nil, "Node that leads the metadata quorum; -1 where none is known.",
			one(func(s *scrape) float64 { return float64(s.quorum.Leader) })),
		raft("current_epoch", nil, "Raft's term.", one(func(s *scrape) float64 { return float64(s.quorum.Term) })),
		raft("high_watermark", nil, "End of what is known to be committed of the metadata log.",
			one(func(s *scrape) float64 { return float64(s.quorum.Commit) + 1 })),
		raft("log_end_offset", nil, "End of this node's metadata log.", oneKnown(func(s *scrape) (float64, bool) {
			end := logEnd(&s.quorum, s.node)
			return float64(end), end != model.NoOffset
		})),
		raft("number_of_voters", nil, "Nodes that vote.", one(func(s *scrape) float64 { return float64(len(s.quorum.Voters)) })),
		raft("number_of_observers", nil, "Nodes that follow without a vote.",
			one(func(s *scrape) float64 { return float64(len(s.quorum.Learners)) })),
		{
			name: "chronik_raft_voter_lag_entries", kind: gauge, labels: []string{"voter"},
			help: "On the leader: entries of the metadata log that a voter is not known to hold.",
			collect: func(s *scrape, out *output) {
				leader := logEnd(&s.quorum, s.node)
				for _, v := range s.quorum.Voters {
					if s.quorum.Leader == s.node && v.LogEnd != model.NoOffset {
						out.add(float64(max(0, leader-v.LogEnd)), strconv.Itoa(int(v.Node)))
					}
				}
			},
		},
		{
			name: "chronik_raft_voter_silent_seconds", kind: gauge, labels: []string{"voter"},
			help: "Time since this node has heard of a voter in the metadata quorum.",
			collect: func(s *scrape, out *output) {
				for _, v := range s.quorum.Voters {
					if v.Node != s.node && v.LastContact != model.NoTimestamp {
						silent := s.now.Sub(v.LastContact.Time())
						out.add(max(0, silent.Seconds()), strconv.Itoa(int(v.Node)))
					}
				}
			},
		},
		{
			name: "kafka_server_broker_metadata_metrics_last_applied_record_offset", kind: gauge,
			mbean:   "kafka.server:type=broker-metadata-metrics",
			help:    "Offset of the last metadata that this node has applied.",
			collect: oneKnown(func(s *scrape) (float64, bool) { return float64(s.cluster.applied), s.cluster.known }),
		},
	}
}

func raft(name string, labels []string, help string, collect func(*scrape, *output)) family {
	return family{
		name: "kafka_server_raft_metrics_" + name, kind: gauge, labels: labels, help: help,
		mbean: "kafka.server:type=raft-metrics", collect: collect,
	}
}

// RaftState is what a node is in the metadata quorum, in Kafka's words: leader, follower,
// observer, or unattached where it is a voter and knows no leader.
func RaftState(s *quorum.Status, node model.NodeID) string {
	switch {
	case s.Leader == node:
		return "leader"
	case !slices.ContainsFunc(s.Voters, func(r quorum.Replica) bool { return r.Node == node }):
		return "observer"
	case s.Leader == model.NoNode:
		return "unattached"
	default:
		return "follower"
	}
}

// logEnd is where a node's metadata log ends, as far as is known here.
func logEnd(s *quorum.Status, node model.NodeID) model.Offset {
	for _, replicas := range [...][]quorum.Replica{s.Voters, s.Learners} {
		for _, r := range replicas {
			if r.Node == node {
				return r.LogEnd
			}
		}
	}
	return model.NoOffset
}
