package group

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/chronik/chronik/internal/coordinator"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
)

// Options are what a Coordinator needs.
type Options struct {
	Node       model.NodeID
	Partitions *partition.Set
	Image      func() *meta.Image
	Config     Config
	Logger     *slog.Logger
}

// Coordinator serves the groups whose partition of the offsets topic this node
// leads. All methods may be called concurrently; those that answer a request
// may wait, until their ctx ends.
type Coordinator struct {
	config  Config
	image   func() *meta.Image
	logger  *slog.Logger
	runtime *coordinator.Runtime[*machine]
}

// New makes a coordinator that leads nothing yet.
func New(o Options) *Coordinator {
	return newCoordinator(o, func(p model.Partition, epoch model.LeaderEpoch) (coordinator.Log, error) {
		return openLog(o.Partitions, p, epoch)
	})
}

func newCoordinator(o Options, open func(model.Partition, model.LeaderEpoch) (coordinator.Log, error)) *Coordinator {
	logger := o.Logger.With("component", "groups")
	return &Coordinator{
		config: o.Config, image: o.Image, logger: logger,
		runtime: coordinator.New(coordinator.Options[*machine]{
			Logger: logger, Open: open,
			New: func(model.Partition) *machine { return &machine{Groups: NewGroups(o.Config), logger: logger} },
		}),
	}
}

// Run serves until ctx ends.
func (c *Coordinator) Run(ctx context.Context) error { return c.runtime.Run(ctx) }

// Elected begins to serve a partition's groups. It does not block.
func (c *Coordinator) Elected(p model.Partition, epoch model.LeaderEpoch) {
	c.runtime.Elected(p, epoch)
}

// Resigned ceases to serve a partition's groups. It does not block.
func (c *Coordinator) Resigned(p model.Partition) { c.runtime.Resigned(p) }

// TopicsDeleted drops the offsets of topics that have been deleted. It does not
// block.
func (c *Coordinator) TopicsDeleted(names []string) {
	c.runtime.Tell(func(m *machine, _ time.Time) outcome { return m.TopicsDeleted(names) })
}

// PartitionFor is the partition of the offsets topic that a group is in.
func (c *Coordinator) PartitionFor(groupID string) model.Partition {
	count := int(c.config.OffsetsPartitions)
	if topic := c.image().Topics.ByName(OffsetsTopic); topic != nil {
		count = len(topic.Partitions)
	}
	return coordinator.PartitionFor(groupID, count)
}

// machine is Groups, with its transitions logged.
type machine struct {
	*Groups
	logger *slog.Logger
}

// Loaded implements coordinator.Machine.
func (m *machine) Loaded(now time.Time) outcome { return m.logged(m.Groups.Loaded(now)) }

// Tick implements coordinator.Machine.
func (m *machine) Tick(now time.Time) outcome { return m.logged(m.Groups.Tick(now)) }

func (m *machine) logged(o outcome) outcome {
	for _, t := range m.TakeTransitions() {
		m.logger.Info("group state", "group", t.Group, "from", t.From.String(), "to", t.To.String(),
			"generation", t.Generation, "members", t.Members, "reason", t.Reason)
	}
	return o
}

// ask has the group's shard decide an event, and returns the answer. failure
// makes the answer where there can be none.
func ask[R any](ctx context.Context, c *Coordinator, groupID string, failure func(error) R, event func(*Groups, time.Time, *waiter) outcome) R {
	return askPartition(ctx, c, c.PartitionFor(groupID), failure, event)
}

func askPartition[R any](ctx context.Context, c *Coordinator, p model.Partition, failure func(error) R, event func(*Groups, time.Time, *waiter) outcome) R {
	w := coordinator.NewWaiter(func(err error) any { return failure(err) })
	got := c.runtime.Do(ctx, p, w, func(m *machine, now time.Time) outcome {
		return m.logged(event(m.Groups, now, w))
	})
	response, ok := got.(R)
	if !ok {
		panic(fmt.Sprintf("group: answer is a %T, not a %T", got, response))
	}
	return response
}

// unique is what makes a member's id one: a random UUID as text.
func unique() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
