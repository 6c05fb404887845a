package group

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// DescribeGroups describes groups that this node coordinates.
func (c *Coordinator) DescribeGroups(ctx context.Context, r *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse {
	resp := r.ResponseKind().(*kmsg.DescribeGroupsResponse)
	for _, id := range r.Groups {
		failure := func(err error) kmsg.DescribeGroupsResponseGroup {
			failed := kmsg.NewDescribeGroupsResponseGroup()
			failed.Group, failed.ErrorCode = id, codeOf(err).Code
			return failed
		}
		one := ask(ctx, c, id, failure, func(s *Groups, _ time.Time, w *waiter) outcome {
			return s.Describe(w, id, r.Version)
		})
		resp.Groups = append(resp.Groups, one)
	}
	return resp
}

// listed is one shard's part of a list.
type listed struct {
	groups []kmsg.ListGroupsResponseGroup
	err    error
}

// ListGroups lists the groups that this node coordinates. While one of its
// shards loads the list would have holes: the client asks again.
func (c *Coordinator) ListGroups(ctx context.Context, r *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse {
	resp := r.ResponseKind().(*kmsg.ListGroupsResponse)
	for _, p := range c.runtime.Shards() {
		failure := func(err error) listed { return listed{err: err} }
		part := askPartition(ctx, c, p, failure, func(s *Groups, _ time.Time, w *waiter) outcome {
			return answer(w, listed{groups: s.List(r)})
		})
		switch {
		case errors.Is(part.err, coordinator.ErrNotLeader):
			continue // another node lists these
		case part.err != nil:
			resp.ErrorCode, resp.Groups = codeOf(part.err).Code, nil
			return resp
		}
		resp.Groups = append(resp.Groups, part.groups...)
	}
	slices.SortFunc(resp.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
	return resp
}

// DeleteGroups deletes groups that have no members.
func (c *Coordinator) DeleteGroups(ctx context.Context, r *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse {
	resp := r.ResponseKind().(*kmsg.DeleteGroupsResponse)
	for _, id := range r.Groups {
		failure := func(err error) kmsg.DeleteGroupsResponseGroup {
			return deleted(id, codeOf(err))
		}
		one := ask(ctx, c, id, failure, func(s *Groups, _ time.Time, w *waiter) outcome {
			return s.DeleteGroup(w, id)
		})
		resp.Groups = append(resp.Groups, one)
	}
	return resp
}
