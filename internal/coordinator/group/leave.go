package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaveNamesMembers is the version of LeaveGroup from which several may leave at
// once, static ones by instance id (KIP-345).
const leaveNamesMembers = 3

// Leave takes members out of a group, without waiting for their sessions to end.
func (s *Groups) Leave(now time.Time, w *waiter, r *kmsg.LeaveGroupRequest) outcome {
	if r.Group == "" {
		return answer(w, leaveError(r, kerr.InvalidGroupID))
	}
	leaving := r.Members
	if r.Version < leaveNamesMembers {
		leaving = []kmsg.LeaveGroupRequestMember{{MemberID: r.MemberID}}
	}
	g := s.groups[r.Group]
	resp := r.ResponseKind().(*kmsg.LeaveGroupResponse)
	var out outcome
	left := false
	for _, l := range leaving {
		code := kerr.UnknownMemberID
		if g != nil {
			var told outcome
			told, code = s.leave(g, l)
			out = out.Join(told)
		}
		left = left || code == nil
		if r.Version < leaveNamesMembers {
			resp.ErrorCode = numberOf(code)
			continue
		}
		m := kmsg.NewLeaveGroupResponseMember()
		m.MemberID, m.InstanceID, m.ErrorCode = l.MemberID, l.InstanceID, numberOf(code)
		resp.Members = append(resp.Members, m)
	}
	if left {
		out = out.Join(s.afterRemoval(now, g, "a member has left"))
	}
	return out.Join(answer(w, resp))
}

// leave takes one member out. An administrator names a static member by its
// instance only.
func (s *Groups) leave(g *group, l kmsg.LeaveGroupRequestMember) (outcome, *kerr.Error) {
	if l.MemberID == "" {
		m := g.static[text(l.InstanceID)]
		if m == nil {
			return outcome{}, kerr.UnknownMemberID
		}
		return s.expel(g, m), nil
	}
	if _, ok := g.pending[l.MemberID]; ok {
		delete(g.pending, l.MemberID)
		s.due.cancel(sessionOf(g, l.MemberID))
		return outcome{}, nil
	}
	if code := g.check(l.MemberID, l.InstanceID); code != nil {
		return outcome{}, code
	}
	return s.expel(g, g.byID[l.MemberID]), nil
}

func leaveError(r *kmsg.LeaveGroupRequest, code *kerr.Error) *kmsg.LeaveGroupResponse {
	resp := r.ResponseKind().(*kmsg.LeaveGroupResponse)
	resp.ErrorCode = code.Code
	return resp
}
