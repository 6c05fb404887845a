package api

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/coordinator/group"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/vfs"
)

// Services is what the handlers need of the layers below.
type Services struct {
	Node   model.NodeID
	Logger *slog.Logger
	// Stopping ends when the node begins to stop: requests that wait for what
	// other clients do (Fetch, JoinGroup, SyncGroup) are answered then. Nil:
	// never.
	Stopping context.Context
	// Image is the newest metadata that this node has applied.
	Image func() *meta.Image
	// AwaitImage returns the newest image once until says so of it.
	AwaitImage func(ctx context.Context, until func(*meta.Image) bool) (*meta.Image, error)
	// CatchUp returns an image with all that was committed when it was called, or the
	// newest where that takes longer than ctx lasts.
	CatchUp func(ctx context.Context) *meta.Image
	// Suspected tells of a node that may have died a moment ago, once CheckPresence has
	// looked whether it is there; nil: no node is ever suspected.
	Suspected     func(model.NodeID) bool
	CheckPresence func(model.NodeID)
	// OutOfTouch tells that others may have been elected for all that this node leads, and
	// that it has not heard of it, and that clients may reach one that has; nil: never.
	OutOfTouch func() bool
	// Controller takes commands that change the metadata.
	Controller Controller
	// Members changes which nodes are of the cluster.
	Members Members
	// Quorum describes the metadata log as its leader knows it, and ControllerID is who
	// that is, or NoNode.
	Quorum       func(ctx context.Context) quorum.Status
	ControllerID func() model.NodeID
	Partitions   Partitions
	Groups       Groups
	// CreateOffsetsTopic creates __consumer_offsets as the settings say.
	CreateOffsetsTopic func(ctx context.Context) error
	// LogDirs are the directories that hold partitions.
	LogDirs []LogDir

	// Static holds the settings from file, environment and flags.
	Static map[string]string
	// AutoCreateTopics, DefaultPartitions and DefaultReplicationFactor say what
	// becomes of a topic that a client asks for and that does not exist.
	AutoCreateTopics         bool
	DeleteTopicsAllowed      bool
	DefaultPartitions        model.Partition
	DefaultReplicationFactor int16
	// DescribePartitionsMax bounds one answer of DescribeTopicPartitions.
	DescribePartitionsMax int
	FetchBytesMax         int
	FetchSessionsMax      int
	// RackAware: consumers are told of a replica in their own rack (KIP-392).
	RackAware bool
	// ResponseBytesMax bounds the records held for responses at one time.
	ResponseBytesMax int64
}

// Controller decides on changes of the metadata. Submit returns after the change
// is committed and this node has applied it; its errors of kind *wire.Error are
// for the client.
type Controller interface {
	Submit(ctx context.Context, command controller.Command) (any, error)
}

// Members changes which nodes are of the cluster, and which of them vote on the metadata. A
// zero directory is any. Errors of kind *wire.Error are for the client.
type Members interface {
	AddVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error
	RemoveVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error
	Unregister(ctx context.Context, node model.NodeID) error
}

// Partitions are the partitions that this node holds.
type Partitions interface {
	// Get is nil where the node does not hold the partition, or cannot open it.
	Get(name model.TopicPartition) *partition.Partition
	// Offline is why a partition that the node holds cannot be opened; nil
	// where it can.
	Offline(name model.TopicPartition) error
	// All yields every open partition, in no particular order.
	All() func(yield func(*partition.Partition) bool)
	// AlterDirectory has a partition moved to another log directory, by and by.
	AlterDirectory(name model.TopicPartition, dir string) error
	// Moves are those that are under way.
	Moves() []partition.Move
}

// LogDir is a log directory.
type LogDir struct {
	Path  string // as clients are told
	Usage func() (vfs.Usage, error)
	// Err is why the directory is fenced; nil where it is not.
	Err func() error
}

// Groups is the coordinator of consumer groups. Every method answers the whole
// request; it may wait, until ctx ends.
type Groups interface {
	PartitionFor(groupID string) model.Partition
	JoinGroup(context.Context, group.Client, *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse
	SyncGroup(context.Context, group.Client, *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse
	Heartbeat(context.Context, group.Client, *kmsg.HeartbeatRequest) *kmsg.HeartbeatResponse
	LeaveGroup(context.Context, group.Client, *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse
	GroupAdmin
}

// GroupAdmin is what is asked of groups from outside.
type GroupAdmin interface {
	OffsetCommit(context.Context, *kmsg.OffsetCommitRequest) *kmsg.OffsetCommitResponse
	OffsetFetch(context.Context, *kmsg.OffsetFetchRequest) *kmsg.OffsetFetchResponse
	OffsetDelete(context.Context, *kmsg.OffsetDeleteRequest) *kmsg.OffsetDeleteResponse
	DescribeGroups(context.Context, *kmsg.DescribeGroupsRequest) *kmsg.DescribeGroupsResponse
	ListGroups(context.Context, *kmsg.ListGroupsRequest) *kmsg.ListGroupsResponse
	DeleteGroups(context.Context, *kmsg.DeleteGroupsRequest) *kmsg.DeleteGroupsResponse
}

// topicLayers is where the settings of a topic come from.
func (h *Handler) topicLayers(image *meta.Image, topic *meta.Topic) settings.Layers {
	layers := h.brokerLayers(image, h.Node)
	layers.Topic = image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: topic.Name})
	if len(topic.Partitions) > 0 {
		layers.ReplicationFactor = len(topic.Partitions[0].Target())
	}
	return layers
}

// brokerLayers is where the settings of a broker come from.
func (h *Handler) brokerLayers(image *meta.Image, node model.NodeID) settings.Layers {
	return settings.Layers{
		Broker:        image.Configs.Of(meta.Resource{Type: meta.BrokerResource, Name: strconv.Itoa(int(node))}),
		BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
		Static:        h.Static,
	}
}
