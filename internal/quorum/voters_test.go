package quorum

import (
	"context"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/model"
)

// deliver hands a copy of a message to its node, or drops it. It must not block:
// a full queue drops.
func (w *network) deliver(from model.NodeID, m *raftpb.Message) {
	to := NodeOf(m.GetTo())
	w.mu.Lock()
	target, source := w.nodes[to], w.nodes[from]
	lost := w.cut[from] || w.cut[to] || target == nil
	if !lost && m.GetType() == raftpb.MsgSnap {
		w.snaps++
	}
	w.mu.Unlock()
	if m.GetType() == raftpb.MsgSnap && source != nil {
		go func() { _ = source.ReportSnapshot(context.Background(), to, !lost) }()
	}
	if lost {
		return
	}
	copied := proto.Clone(m).(*raftpb.Message)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // Step takes it at once or not at all
	_ = target.Step(ctx, copied)
}
