package group

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Heartbeat keeps a member's session alive, and tells it of a rebalance.
func (s *Groups) Heartbeat(now time.Time, w *waiter, r *kmsg.HeartbeatRequest) outcome {
	return answer(w, heartbeatResponse(r, s.heartbeat(now, r)))
}

func (s *Groups) heartbeat(now time.Time, r *kmsg.HeartbeatRequest) *kerr.Error {
	if r.Group == "" {
		return kerr.InvalidGroupID
	}
	g := s.groups[r.Group]
	if g == nil {
		return kerr.UnknownMemberID
	}
	if code := g.check(r.MemberID, r.InstanceID); code != nil {
		return code
	}
	if r.Generation != g.generation {
		return kerr.IllegalGeneration
	}
	s.renew(now, g, g.byID[r.MemberID])
	if g.state == PreparingRebalance {
		return kerr.RebalanceInProgress
	}
	// Members beat from their join response on, while others still sync.
	return nil
}

func heartbeatResponse(r *kmsg.HeartbeatRequest, code *kerr.Error) *kmsg.HeartbeatResponse {
	resp := r.ResponseKind().(*kmsg.HeartbeatResponse)
	resp.ErrorCode = numberOf(code)
	return resp
}

// numberOf is an error as it goes over the wire; nil is none.
func numberOf(code *kerr.Error) int16 {
	if code == nil {
		return 0
	}
	return code.Code
}
