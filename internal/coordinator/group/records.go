package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
	"github.com/chronik/chronik/internal/model"
)

// The records of __consumer_offsets are Kafka's. A key begins with an int16 that
// says what it is, a value with an int16 that is its format; strings have an
// int16 length before them, bytes an int32.
//
//	key 1 (0 in old logs)  group string │ topic string │ partition int32
//	   value 1   offset int64 │ metadata string │ committed int64 │ expires int64
//	   value 3   offset int64 │ leaderEpoch int32 │ metadata string │ committed int64
//	   value 4   as 3 with compact strings │ tag 0: topic id uuid
//	key 2                  group string
//	   value 3   protocolType string │ generation int32 │ protocol string? │ leader string?
//	             │ stateSince int64 │ count int32 │ { memberId string │ instanceId string?
//	             │ clientId string │ clientHost string │ rebalanceTimeout int32
//	             │ sessionTimeout int32 │ subscription bytes │ assignment bytes }…
//	keys 3 and up belong to other protocols, and are passed over
const (
	offsetKeyOld    = 0
	offsetKey       = 1
	groupKey        = 2
	offsetExpires   = 1 // value format with its own time of expiry
	offsetPlain     = 3
	offsetWithTopic = 4
	groupValue      = 3
	groupValueMax   = 4
)

// never is Kafka's -1 in place of a time.
const never = -1

// groupRecord is what is durable of a group.
func groupRecord(g *group) coordinator.Record {
	v := kmsg.NewGroupMetadataValue()
	v.Version, v.ProtocolType, v.Generation = groupValue, g.protocolType, g.generation
	v.CurrentStateTimestamp = never
	if !g.since.IsZero() {
		v.CurrentStateTimestamp = g.since.UnixMilli()
	}
	if g.protocol != "" {
		v.Protocol = &g.protocol
	}
	if g.leader != "" {
		v.Leader = &g.leader
	}
	if g.state == Empty || g.state == PreparingRebalance {
		// Of a group without a generation in force only the number counts.
		v.Protocol, v.Leader, v.ProtocolType = nil, nil, emptyType(g)
		return coordinator.Record{Key: groupKeyOf(g.id), Value: v.AppendTo(nil)}
	}
	for _, m := range g.members {
		kept := kmsg.NewGroupMetadataValueMember()
		kept.MemberID, kept.InstanceID = m.id, instancePointer(m.instance)
		kept.ClientID, kept.ClientHost = m.client.ID, m.client.Host
		kept.RebalanceTimeoutMillis = int32(m.rebalanceTimeout.Milliseconds())
		kept.SessionTimeoutMillis = int32(m.sessionTimeout.Milliseconds())
		kept.Subscription, kept.Assignment = m.metadata(g.protocol), m.assignment
		v.Members = append(v.Members, kept)
	}
	return coordinator.Record{Key: groupKeyOf(g.id), Value: v.AppendTo(nil)}
}

// emptyType is the protocol type of a group in a record without members: none
// before its first generation.
func emptyType(g *group) string {
	if g.generation == 0 {
		return ""
	}
	return g.protocolType
}

func groupKeyOf(id string) []byte {
	k := kmsg.NewGroupMetadataKey()
	k.Version, k.Group = groupKey, id
	return k.AppendTo(nil)
}

// groupTombstone makes a group not exist.
func groupTombstone(id string) coordinator.Record {
	return coordinator.Record{Key: groupKeyOf(id)}
}

func offsetKeyOf(groupID, topic string, p model.Partition) []byte {
	k := kmsg.NewOffsetCommitKey()
	k.Version, k.Group, k.Topic, k.Partition = offsetKey, groupID, topic, int32(p)
	return k.AppendTo(nil)
}

func offsetRecord(groupID, topic string, p model.Partition, o offset) coordinator.Record {
	v := kmsg.NewOffsetCommitValue()
	switch {
	case o.expires != never:
		v.Version = offsetExpires
	case o.topicID.IsZero():
		v.Version = offsetPlain
	default:
		v.Version = offsetWithTopic
	}
	v.Offset, v.LeaderEpoch, v.Metadata = int64(o.offset), int32(o.leaderEpoch), o.metadata
	v.CommitTimestamp, v.ExpireTimestamp, v.TopicID = int64(o.committed), int64(o.expires), o.topicID
	return coordinator.Record{Key: offsetKeyOf(groupID, topic, p), Value: v.AppendTo(nil)}
}

func offsetTombstone(groupID, topic string, p model.Partition) coordinator.Record {
	return coordinator.Record{Key: offsetKeyOf(groupID, topic, p)}
}

// Replay applies a record.
func (s *Groups) Replay(r coordinator.Record) error {
	if len(r.Key) < 2 {
		return errors.New("group record without a key")
	}
	switch int16(binary.BigEndian.Uint16(r.Key)) {
	case offsetKeyOld, offsetKey:
		return s.replayOffset(r)
	case groupKey:
		return s.replayGroup(r)
	}
	return nil // of a protocol that this version does not have
}

func (s *Groups) replayOffset(r coordinator.Record) error {
	var k kmsg.OffsetCommitKey
	if err := k.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("offset record's key: %w", err)
	}
	g, p := s.groups[k.Group], model.Partition(k.Partition)
	if r.Value == nil {
		if g != nil {
			g.deleteOffset(k.Topic, p)
		}
		return nil
	}
	var v kmsg.OffsetCommitValue
	if err := checkFormat(r.Value, offsetWithTopic); err != nil {
		return fmt.Errorf("offset of group %q: %w", k.Group, err)
	}
	if err := v.ReadFrom(r.Value); err != nil {
		return fmt.Errorf("offset of group %q: %w", k.Group, err)
	}
	if g == nil {
		// Somebody who is in no group keeps offsets under its name.
		g = newGroup(k.Group, time.Time{})
		s.groups[k.Group] = g
	}
	o := offset{
		offset: model.Offset(v.Offset), leaderEpoch: model.NoLeaderEpoch, metadata: v.Metadata,
		committed: model.Timestamp(v.CommitTimestamp), expires: never, topicID: v.TopicID,
	}
	if v.Version == offsetExpires {
		o.expires = model.Timestamp(v.ExpireTimestamp)
	}
	if v.Version >= offsetPlain {
		o.leaderEpoch = model.LeaderEpoch(v.LeaderEpoch)
	}
	g.setOffset(k.Topic, p, o)
	return nil
}

func checkFormat(value []byte, most int16) error {
	if len(value) < 2 {
		return errors.New("value without a format")
	}
	if format := int16(binary.BigEndian.Uint16(value)); format < 0 || format > most {
		return fmt.Errorf("value of format %d, known are 0 to %d", format, most)
	}
	return nil
}

func (s *Groups) replayGroup(r coordinator.Record) error {
	var k kmsg.GroupMetadataKey
	if err := k.ReadFrom(r.Key); err != nil {
		return fmt.Errorf("group record's key: %w", err)
	}
	if r.Value == nil {
		s.replayDeletion(k.Group)
		return nil
	}
	if s.live {
		return nil // the group is where the record came from
	}
	v, err := readGroupValue(r.Value)
	if err != nil {
		return fmt.Errorf("group %q: %w", k.Group, err)
	}
	if v.Generation < 0 {
		return fmt.Errorf("group %q: generation %d", k.Group, v.Generation)
	}
	loaded, err := groupOf(k.Group, v)
	if err != nil {
		return err
	}
	if known := s.groups[k.Group]; known != nil {
		loaded.offsets = known.offsets
	}
	s.groups[k.Group] = loaded
	return nil
}

// replayDeletion forgets a group. Offsets that are younger than its deletion
// keep it, as one that has only them.
func (s *Groups) replayDeletion(id string) {
	g := s.groups[id]
	if g == nil {
		return
	}
	s.drop(g)
	if len(g.offsets) > 0 {
		kept := newGroup(id, time.Time{})
		kept.offsets = g.offsets
		s.groups[id] = kept
	}
}

// groupOf is the group that a record tells of.
func groupOf(id string, v kmsg.GroupMetadataValue) (*group, error) {
	g := newGroup(id, time.Time{})
	if v.CurrentStateTimestamp != never {
		g.since = time.UnixMilli(v.CurrentStateTimestamp)
	}
	g.generation, g.protocolType, g.protocol = v.Generation, v.ProtocolType, text(v.Protocol)
	for _, kept := range v.Members {
		if kept.MemberID == "" {
			return nil, fmt.Errorf("group %q: a member without an id", id)
		}
		if g.byID[kept.MemberID] != nil || text(kept.InstanceID) != "" && g.static[*kept.InstanceID] != nil {
			return nil, fmt.Errorf("group %q: member %q is there twice", id, kept.MemberID)
		}
		m := &member{
			id: kept.MemberID, instance: text(kept.InstanceID),
			client:           Client{ID: kept.ClientID, Host: kept.ClientHost},
			rebalanceTimeout: millis(kept.RebalanceTimeoutMillis), sessionTimeout: millis(kept.SessionTimeoutMillis),
			protocols: []protocol{{name: g.protocol, metadata: kept.Subscription}}, assignment: kept.Assignment,
		}
		if kept.RebalanceTimeoutMillis < 0 {
			m.rebalanceTimeout = m.sessionTimeout
		}
		g.add(m)
	}
	if len(g.members) > 0 {
		g.state = Stable
		if g.byID[text(v.Leader)] != nil {
			g.leader = *v.Leader
		}
	}
	return g, nil
}
