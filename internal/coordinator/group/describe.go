package group

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeNotFound is the version of DescribeGroups from which a group that is
// not there is an error, and not one that is Dead (KIP-1043).
const describeNotFound = 6

// Describe describes one group. The answer is a kmsg.DescribeGroupsResponseGroup.
func (s *Groups) Describe(w *waiter, id string, version int16) outcome {
	resp := kmsg.NewDescribeGroupsResponseGroup()
	resp.Group = id
	g := s.groups[id]
	if g == nil {
		resp.State = Dead.String()
		if version >= describeNotFound {
			message := fmt.Sprintf("Group %s not found.", id)
			resp.ErrorCode, resp.ErrorMessage = kerr.GroupIDNotFound.Code, &message
		}
		return answer(w, resp)
	}
	resp.State, resp.ProtocolType = g.state.String(), g.protocolType
	if g.state == Stable {
		resp.Protocol = g.protocol
	}
	for _, m := range g.members {
		one := kmsg.NewDescribeGroupsResponseGroupMember()
		one.MemberID, one.InstanceID = m.id, instancePointer(m.instance)
		one.ClientID, one.ClientHost = m.client.ID, m.client.Host
		one.ProtocolMetadata, one.MemberAssignment = []byte{}, m.assignment
		if g.state == Stable {
			one.ProtocolMetadata = m.metadata(g.protocol)
		}
		resp.Members = append(resp.Members, one)
	}
	return answer(w, resp)
}

// groupType is what ListGroups calls the groups of this protocol.
const groupType = "classic"

// List lists the groups that a request's filters let through.
func (s *Groups) List(r *kmsg.ListGroupsRequest) []kmsg.ListGroupsResponseGroup {
	var list []kmsg.ListGroupsResponseGroup
	if !passes(r.TypesFilter, groupType) {
		return nil
	}
	for id, g := range s.groups {
		if !passes(r.StatesFilter, g.state.String()) {
			continue
		}
		one := kmsg.NewListGroupsResponseGroup()
		one.Group, one.ProtocolType, one.GroupState, one.GroupType = id, g.protocolType, g.state.String(), groupType
		list = append(list, one)
	}
	return list
}

// passes reports whether a filter has a word; case does not matter, and an empty
// filter has all.
func passes(filter []string, word string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, word) })
}
