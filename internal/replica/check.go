package replica

import "fmt"

// Check reports which of the replica's invariants does not hold.
func (r *Replica) Check() error {
	end := r.log.EndOffset()
	switch {
	case r.hw > end:
		return fmt.Errorf("high watermark %d is beyond the log end %d", r.hw, end)
	case r.durable > end:
		return fmt.Errorf("durable end %d is beyond the log end %d", r.durable, end)
	case r.normal > r.view.LeaderEpoch && r.self >= 0:
		return fmt.Errorf("normal epoch %d is beyond the leader epoch %d", r.normal, r.view.LeaderEpoch)
	case r.role == leader && r.view.Leader != r.node:
		return fmt.Errorf("leads epoch %d, whose leader is %d", r.view.LeaderEpoch, r.view.Leader)
	case r.role == cutting && r.view.Leader == r.node:
		return fmt.Errorf("is cutting its log while it leads epoch %d", r.view.LeaderEpoch)
	case r.role == cutting && r.follow.cutTo < r.hw && !r.follow.startOver && r.self >= 0 && r.view.Members[r.self].InSync:
		return fmt.Errorf("cuts to %d, below the high watermark %d", r.follow.cutTo, r.hw)
	case r.role == leader && len(r.lead.progress) != len(r.view.Members):
		return fmt.Errorf("follows the progress of %d members of %d", len(r.lead.progress), len(r.view.Members))
	}
	for i := range r.lead.progress {
		if p := &r.lead.progress[i]; p.agreed && (p.acked > p.next || p.next > end) {
			return fmt.Errorf("member %d: acknowledged %d, next %d, log end %d", i, p.acked, p.next, end)
		}
	}
	return nil
}

// String describes the replica's state, for traces and debug pages.
func (r *Replica) String() string {
	names := [...]string{idle: "idle", asking: "asking", cutting: "cutting", followed: "following", leader: "leading"}
	s := fmt.Sprintf("%s epoch %d [%d,%d) durable %d hw %d normal %d", names[r.role], r.view.LeaderEpoch,
		r.log.StartOffset(), r.log.EndOffset(), r.durable, r.hw, r.normal)
	if r.role != leader {
		return fmt.Sprintf("%s of %d stream %v elected end %d", s, r.follow.leader, r.follow.stream, r.follow.electedEnd)
	}
	for i := range r.lead.progress {
		if i != r.self {
			p := &r.lead.progress[i]
			s += fmt.Sprintf("; %+v: agreed %t next %d acked %d normal %t stream %v", r.view.Members[i], p.agreed, p.next, p.acked, p.normal, p.stream)
		}
	}
	if r.lead.pending.open {
		s += fmt.Sprintf("; pending %+v", r.lead.pending.change)
	}
	return s
}
