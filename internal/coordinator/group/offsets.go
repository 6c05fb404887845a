package group

import (
	"errors"
	"time"

	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
	"github.com/chronik/chronik/internal/model"
)

// offset is a committed offset.
type offset struct {
	offset      model.Offset
	leaderEpoch model.LeaderEpoch
	metadata    string
	committed   model.Timestamp
	// expires is when the offset goes, where its commit said so (up to v4 of
	// OffsetCommit); otherwise never, which leaves it to the retention.
	expires model.Timestamp
	topicID model.TopicID
}

func (g *group) setOffset(topic string, p model.Partition, o offset) {
	if g.offsets[topic] == nil {
		g.offsets[topic] = make(map[model.Partition]offset)
	}
	g.offsets[topic][p] = o
}

func (g *group) deleteOffset(topic string, p model.Partition) {
	delete(g.offsets[topic], p)
	if len(g.offsets[topic]) == 0 {
		delete(g.offsets, topic)
	}
}

// Versions of OffsetCommit that differ in what the coordinator does.
const (
	commitRetentionFirst = 2 // the request says how long offsets are kept …
	commitRetentionLast  = 4 // … up to here (KIP-211)
	commitGroupNotFound  = 9 // a group that is not there has its own error (KIP-848)
)

// CommitOffsets keeps offsets. The topics are known to exist; their ids, where
// they have one, are in the request.
func (s *Groups) CommitOffsets(now time.Time, w *waiter, r *kmsg.OffsetCommitRequest) outcome {
	g := s.groups[r.Group]
	code := s.checkCommit(g, r)
	if code != nil {
		return answer(w, commitError(r, code))
	}
	if g != nil && r.MemberID != "" && (g.state == Stable || g.state == PreparingRebalance) {
		if m := g.byID[r.MemberID]; m != nil {
			s.renew(now, g, m)
		}
	}
	resp := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	var out outcome
	for _, t := range r.Topics {
		answered := kmsg.NewOffsetCommitResponseTopic()
		answered.Topic, answered.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition = p.Partition
			if s.tooMuchMetadata(text(p.Metadata)) {
				one.ErrorCode = kerr.OffsetMetadataTooLarge.Code
			} else {
				out.Records = append(out.Records, commitRecord(now, r, t, p))
			}
			answered.Partitions = append(answered.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answered)
	}
	return out.Join(answer(w, resp))
}

func commitRecord(now time.Time, r *kmsg.OffsetCommitRequest, t kmsg.OffsetCommitRequestTopic, p kmsg.OffsetCommitRequestTopicPartition) coordinator.Record {
	o := offset{
		offset: model.Offset(p.Offset), leaderEpoch: model.LeaderEpoch(p.LeaderEpoch), metadata: text(p.Metadata),
		committed: model.TimestampOf(now), expires: never, topicID: t.TopicID,
	}
	if r.Version >= commitRetentionFirst && r.Version <= commitRetentionLast && r.RetentionTimeMillis >= 0 {
		o.expires = o.committed + model.Timestamp(r.RetentionTimeMillis)
	}
	return offsetRecord(r.Group, t.Topic, model.Partition(p.Partition), o)
}

// tooMuchMetadata counts as Kafka does, in UTF-16 units for all that the
// setting's name says bytes.
func (s *Groups) tooMuchMetadata(metadata string) bool {
	if len(metadata) > stringBytesMax {
		return true
	}
	return len(metadata) > s.config.OffsetMetadataBytesMax && len(utf16.Encode([]rune(metadata))) > s.config.OffsetMetadataBytesMax
}

// checkCommit says who may commit: members, in the generation they know; and
// anybody while there are none.
func (s *Groups) checkCommit(g *group, r *kmsg.OffsetCommitRequest) *kerr.Error {
	if len(r.Group) > stringBytesMax {
		return kerr.InvalidGroupID
	}
	named := r.Generation >= 0 || r.MemberID != "" || text(r.InstanceID) != ""
	switch {
	case g == nil && r.Generation < 0:
		if len(s.groups) >= groupsMax {
			return kerr.PolicyViolation
		}
		return nil // somebody in no group, who keeps offsets here
	case g == nil && r.Version >= commitGroupNotFound:
		return kerr.GroupIDNotFound
	case g == nil:
		return kerr.IllegalGeneration
	case r.Generation < 0 && g.state == Empty:
		return nil
	case !named:
		return kerr.UnknownMemberID
	}
	if code := g.check(r.MemberID, r.InstanceID); code != nil {
		return code
	}
	if r.Generation != g.generation {
		return kerr.IllegalGeneration
	}
	if g.state == CompletingRebalance {
		// A member, and of the right generation: it may commit once it has its
		// assignment, not before.
		return kerr.RebalanceInProgress
	}
	return nil
}

// commitError is the response of a request that is refused as a whole.
func commitError(r *kmsg.OffsetCommitRequest, code *kerr.Error) *kmsg.OffsetCommitResponse {
	resp := r.ResponseKind().(*kmsg.OffsetCommitResponse)
	for _, t := range r.Topics {
		answered := kmsg.NewOffsetCommitResponseTopic()
		answered.Topic, answered.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			one := kmsg.NewOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, code.Code
			answered.Partitions = append(answered.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answered)
	}
	return resp
}

// commitFailure is commitError for what the runtime refuses with. Kafka has a
// code of its own for commits that are too large.
func commitFailure(r *kmsg.OffsetCommitRequest, err error) *kmsg.OffsetCommitResponse {
	if errors.Is(err, coordinator.ErrTooLarge) {
		return commitError(r, kerr.InvalidCommitOffsetSize)
	}
	return commitError(r, codeOf(err))
}
