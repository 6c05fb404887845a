package quorum

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/meta"
)

// snapshotResult tells the raft goroutine how writing a snapshot went.
type snapshotResult struct {
	index uint64
	err   error
}

// maybeSnapshot begins a snapshot of the committed image, once enough entries
// have come since the last. It is written on a goroutine of its own: images do
// not change. Run waits for it by way of written.
func (q *Quorum) maybeSnapshot() {
	if q.snapping || q.core.logged < snapshotEveryBytes {
		return
	}
	term, err := q.core.entries.Term(q.image.Index)
	if err != nil {
		return // the image is a snapshot's; there is nothing newer to write
	}
	q.snapping = true
	image := q.image
	members := proto.CloneOf(q.core.state.members)
	q.core.logged = 0
	go func() { q.written <- q.writeSnapshot(image, term, members) }()
}

func (q *Quorum) writeSnapshot(image *meta.Image, term uint64, members *raftpb.ConfState) snapshotResult {
	s := newSnapshot(image.Index, term, members, meta.EncodeSnapshot(image))
	return snapshotResult{index: image.Index, err: writeSnapshot(q.core.fs, q.core.dir, s)}
}

func (q *Quorum) snapshotDone(r snapshotResult) error {
	q.snapping = false
	if r.err != nil {
		return fmt.Errorf("write a snapshot of the metadata: %w", r.err)
	}
	q.logger.Info("Wrote a snapshot of the metadata", "index", r.index)
	return q.core.snapshotWritten(r.index)
}
