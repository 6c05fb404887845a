package quorum

import "github.com/chronik/chronik/internal/model"

// Raft's ids begin at 1, where 0 means nobody; Kafka's node ids begin at 0.

func raftID(n model.NodeID) uint64 { return uint64(n) + 1 }

func nodeID(id uint64) model.NodeID { return model.NodeID(int64(id) - 1) } // 0 is model.NoNode
