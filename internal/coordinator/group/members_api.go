package group

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// JoinGroup answers once the member's group has a generation.
func (c *Coordinator) JoinGroup(ctx context.Context, client Client, r *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
	failure := func(err error) *kmsg.JoinGroupResponse { return joinError(r, r.MemberID, codeOf(err)) }
	resp := ask(ctx, c, r.Group, failure, func(s *Groups, now time.Time, w *waiter) outcome {
		return s.Join(now, w, Join{Client: client, Request: r, Unique: unique()})
	})
	resp.Version = r.Version
	return resp
}

// SyncGroup answers once the leader has assigned.
func (c *Coordinator) SyncGroup(ctx context.Context, _ Client, r *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	failure := func(err error) *kmsg.SyncGroupResponse { return syncError(r, codeOf(err)) }
	resp := ask(ctx, c, r.Group, failure, func(s *Groups, now time.Time, w *waiter) outcome {
		return s.Sync(now, w, r)
	})
	resp.Version = r.Version
	return resp
}

// Heartbeat keeps a session alive. While the log is loaded every member is well:
// its session begins when that is over.
func (c *Coordinator) Heartbeat(ctx context.Context, _ Client, r *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse {
	failure := func(err error) *kmsg.HeartbeatResponse {
		if errors.Is(err, coordinator.ErrLoading) {
			return heartbeatResponse(r, nil)
		}
		return heartbeatResponse(r, codeOf(err))
	}
	return ask(ctx, c, r.Group, failure, func(s *Groups, now time.Time, w *waiter) outcome {
		return s.Heartbeat(now, w, r)
	})
}

// LeaveGroup takes members out of a group.
func (c *Coordinator) LeaveGroup(ctx context.Context, _ Client, r *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	failure := func(err error) *kmsg.LeaveGroupResponse { return leaveError(r, codeOf(err)) }
	return ask(ctx, c, r.Group, failure, func(s *Groups, now time.Time, w *waiter) outcome {
		return s.Leave(now, w, r)
	})
}
