//go:build linux

package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/interop/faults/history"
)

const (
	// memberLeast and memberMost bound how long a member stays before it leaves, and another
	// comes.
	memberLeast = 10 * time.Second
	memberMost  = 25 * time.Second
	// sessionMax is how long the group waits for a member that is silent.
	sessionMax = 6 * time.Second
	commitMax  = 5 * time.Second
)

// member is a member of the group that commits after each poll, and leaves now and then
// to come back as another.
type member struct {
	o       Options
	name    string
	session atomic.Int64 // new with each assignment, and client
}

func newMember(o Options, name string) *member { return &member{o: o, name: name} }

func (m *member) run(ctx context.Context) error {
	for ctx.Err() == nil {
		stay, cancel := context.WithTimeout(ctx, memberLeast+rand.N(memberMost-memberLeast))
		err := m.stay(stay)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// stay is one membership.
func (m *member) stay(ctx context.Context) error {
	m.session.Add(1)
	client, err := m.o.client(
		kgo.ConsumerGroup(m.o.Group),
		kgo.ConsumeTopics(m.o.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.RangeBalancer()), // which the Java client has, too
		kgo.SessionTimeout(sessionMax),
		kgo.HeartbeatInterval(time.Second),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { m.session.Add(1) }),
	)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for ctx.Err() == nil {
		began := history.Now()
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, partition int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				trouble(m.o.History, m.name, partition, err)
				pause(ctx, 200*time.Millisecond)
			}
		})
		offsets := map[int32]kgo.EpochOffset{}
		for partition, records := range recordsOf(fetches) {
			m.o.History.Add(history.Op{Began: began, Ended: history.Now(), Client: m.name, Kind: history.Read, Partition: partition, Session: m.session.Load(), Records: records})
			offsets[partition] = kgo.EpochOffset{Epoch: -1, Offset: records[len(records)-1].Offset + 1}
		}
		if len(offsets) > 0 {
			m.commit(client, offsets)
		}
		client.AllowRebalance()
	}
	return nil
}

// commit commits, and writes down what is known of it.
func (m *member) commit(client *kgo.Client, offsets map[int32]kgo.EpochOffset) {
	ctx, cancel := context.WithTimeout(context.Background(), commitMax)
	defer cancel()
	began := history.Now()
	outcomes := map[int32]error{}
	client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{m.o.Topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
			for partition := range offsets {
				outcomes[partition] = errors.Join(err, errors.New("not in the answer"))
			}
			if err != nil {
				return
			}
			for _, t := range answer.Topics {
				for _, p := range t.Partitions {
					outcomes[p.Partition] = kerr.ErrorForCode(p.ErrorCode)
				}
			}
		})
	for partition, offset := range offsets {
		op := history.Op{Began: began, Ended: history.Now(), Client: m.name, Kind: history.Commit, Partition: partition, Offset: offset.Offset, Outcome: history.Acked}
		if err := outcomes[partition]; err != nil {
			op.Outcome, op.Note = history.Unknown, err.Error()
		}
		m.o.History.Add(op)
	}
}
