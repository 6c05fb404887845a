package quorum

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
)

// step carries out one Ready of Raft, in the order of the package comment.
func (q *Quorum) step(ctx context.Context) error {
	ready := q.core.raft.Ready()
	if ready.SoftState != nil {
		q.changeState(ready.SoftState)
	}
	if err := q.core.persist(ctx, ready); err != nil {
		return err
	}
	if q.options.Transport != nil && len(ready.Messages) > 0 {
		q.options.Transport.Send(ready.Messages)
	}
	if !raft.IsEmptySnap(ready.Snapshot) {
		if err := q.applySnapshot(ready.Snapshot); err != nil {
			return err
		}
	}
	for _, e := range ready.CommittedEntries {
		if err := q.applyEntry(e); err != nil {
			return err
		}
	}
	q.core.raft.Advance(ready)
	q.updateStatus()
	return nil
}

// changeState notes who leads. A leader that is none any more answers for what
// it has proposed with "may still happen".
func (q *Quorum) changeState(s *raft.SoftState) {
	if s.RaftState == q.state && s.Lead == q.leader {
		return
	}
	if q.state == raft.StateLeader && s.RaftState != raft.StateLeader {
		q.leading, q.working = false, nil
		for _, p := range q.inFlight {
			p.fail(&NotLeaderError{Leader: nodeID(s.Lead), Uncertain: true})
		}
		q.inFlight = nil
	}
	if s.RaftState != q.state {
		q.logger.Info("Raft state", "state", stateName(s.RaftState), "term", q.core.raft.BasicStatus().GetTerm(), "leader", nodeID(s.Lead))
	}
	q.state, q.leader = s.RaftState, s.Lead
	if q.leader != raft.None && q.state != raft.StateLeader {
		q.refuseWaiting(&NotLeaderError{Leader: nodeID(q.leader)})
	}
}

func stateName(s raft.StateType) string {
	switch s {
	case raft.StateFollower:
		return "Follower"
	case raft.StateCandidate:
		return "Candidate"
	case raft.StateLeader:
		return "Leader"
	case raft.StatePreCandidate:
		return "PreCandidate"
	}
	return s.String()
}

func (q *Quorum) applySnapshot(s *raftpb.Snapshot) error {
	image, err := meta.DecodeSnapshot(s.Data)
	if err != nil {
		return err
	}
	q.publish.add(publication{delta: meta.Diff(q.image, image), image: image})
	q.image = image
	return nil
}

// applyEntry applies a committed entry: to the image, or to the membership.
func (q *Quorum) applyEntry(e *raftpb.Entry) error {
	switch e.GetType() {
	case raftpb.EntryNormal:
		return q.applyRecords(e)
	case raftpb.EntryConfChange:
		change := new(raftpb.ConfChange)
		if err := proto.Unmarshal(e.Data, change); err != nil {
			return fmt.Errorf("decode the membership change at %d: %w", e.GetIndex(), err)
		}
		return q.core.setMembers(q.core.raft.ApplyConfChange(change))
	case raftpb.EntryConfChangeV2:
		change := new(raftpb.ConfChangeV2)
		if err := proto.Unmarshal(e.Data, change); err != nil {
			return fmt.Errorf("decode the membership change at %d: %w", e.GetIndex(), err)
		}
		return q.core.setMembers(q.core.raft.ApplyConfChange(change))
	}
	return fmt.Errorf("entry %d has the unknown type %d", e.GetIndex(), e.GetType())
}

func (q *Quorum) applyRecords(e *raftpb.Entry) error {
	records, err := meta.DecodeRecords(e.Data)
	if err != nil {
		return fmt.Errorf("decode the metadata entry at %d: %w", e.GetIndex(), err)
	}
	image, delta, err := q.image.Apply(records, e.GetIndex())
	if err != nil {
		return fmt.Errorf("apply the metadata entry at %d: %w", e.GetIndex(), err)
	}
	q.image = image
	p := publication{delta: delta, image: image}
	if len(q.inFlight) > 0 && q.inFlight[0].index == e.GetIndex() {
		p.answers = q.inFlight[0].answers
		q.inFlight = q.inFlight[1:]
	}
	q.publish.add(p)
	if !q.leading && q.state == raft.StateLeader && e.GetTerm() == q.core.raft.BasicStatus().GetTerm() {
		// Everything that earlier leaders may have committed is applied.
		q.leading, q.working = true, q.image
		return q.beginLeading()
	}
	return nil
}

// beginLeading gives a new cluster its name, and decides what has waited.
func (q *Quorum) beginLeading() error {
	waiting := q.waiting
	q.waiting = nil
	if q.options.ClusterID != "" {
		init := &submission{command: controller.InitCluster{ID: q.options.ClusterID}, done: make(chan outcome, 1)}
		waiting = append([]*submission{init}, waiting...)
	}
	for _, s := range waiting {
		if err := q.take(s); err != nil {
			return err
		}
	}
	return nil
}

// propose hands records to Raft as one entry; answers are given once they are
// published.
func (q *Quorum) propose(records []meta.Record, answers []answer) error {
	p := proposal{answers: answers}
	data := meta.AppendRecords(nil, records)
	if len(data) > entryBytesMax {
		p.fail(fmt.Errorf("the change takes %d bytes of metadata, and one change at most %d; make it in parts", len(data), entryBytesMax))
		return nil
	}
	last, err := q.core.entries.LastIndex()
	if err != nil {
		return fmt.Errorf("last raft entry: %w", err)
	}
	if n := len(q.inFlight); n > 0 {
		last = max(last, q.inFlight[n-1].index)
	}
	p.index = last + 1
	next, err := q.working.After(records, p.index)
	if err != nil {
		return fmt.Errorf("BUG: decided records do not apply: %w", err)
	}
	switch err := q.core.raft.Propose(data); {
	case errors.Is(err, raft.ErrProposalDropped):
		p.fail(&NotLeaderError{Leader: nodeID(q.leader)})
		return nil
	case err != nil:
		return fmt.Errorf("propose: %w", err)
	}
	q.working = next
	q.inFlight = append(q.inFlight, p)
	return nil
}
