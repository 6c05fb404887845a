package brokertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const uncleanTopic = "unclean"

// calls are what nodes have called for a person for.
type calls struct {
	slog.Handler
	seen *seenLines
}

type seenLines struct {
	sync.Mutex
	lines []string
}

// Handle implements slog.Handler.
func (h calls) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		line := r.Message
		r.Attrs(func(a slog.Attr) bool { line += fmt.Sprintf(" %s=%v", a.Key, a.Value); return true })
		h.seen.Lock()
		h.seen.lines = append(h.seen.lines, line)
		h.seen.Unlock()
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h calls) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calls{h.Handler.WithAttrs(attrs), h.seen}
}

// divided is a cluster in which the one replica in sync of a partition is down, and the other
// is there.
type divided struct {
	*testing.T
	c     *Cluster
	admin *kadm.Client
	errs  *seenLines
}

func startDivided(t *testing.T) divided {
	t.Helper()
	seen := new(seenLines)
	handler := calls{slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}), seen}
	c := StartCluster(t, slog.New(handler), []int{1, 2, 3}, "offsets.topic.num.partitions=1", "offsets.topic.replication.factor=2")
	d := divided{t, c, kadm.NewClient(c.Client()), seen}
	request := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = uncleanTopic, -1, -1
	assignment := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	assignment.Replicas = []int32{1, 2}
	topic.ReplicaAssignment = append(topic.ReplicaAssignment, assignment)
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = "min.insync.replicas", kmsg.StringPtr("1")
	topic.Configs = append(topic.Configs, config)
	request.Topics = append(request.Topics, topic)
	resp, err := request.RequestWith(Context(t), c.Client())
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// until asks again until a partition of a topic is as it is wanted.
func (d *divided) until(topic string, leader int32, isr ...int32) {
	d.Helper()
	ctx := Context(d)
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		topics, err := d.admin.ListTopicsWithInternal(ctx, topic)
		if err == nil && len(topics[topic].Partitions) == 1 {
			p := topics[topic].Partitions[0]
			slices.Sort(p.ISR)
			if p.Leader == leader && slices.Equal(p.ISR, isr) {
				return
			}
			err = fmt.Errorf("%+v", p)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.Fatalf("%s: %v", topic, err)
		}
	}
}

// divide has node 1 go on alone, and die; node 2 is back and lacks what 1 has committed.
func (d *divided) divide(alone func()) {
	d.Helper()
	d.c.Stop(2)
	d.until(uncleanTopic, 1, 1)
	alone()
	d.c.Stop(1)
	d.c.Start(2)
	d.until(uncleanTopic, -1, 1)
}

func (d *divided) elect(how kadm.ElectLeadersHow, topic string) error {
	d.Helper()
	elected, err := d.admin.ElectLeaders(Context(d), how, kadm.TopicsSet{topic: {0: {}}})
	if err != nil {
		d.Fatal(err)
	}
	return elected[topic][0].Err
}

// lines are those that tell of unclean elections; all others fail the test.
func (d *divided) lines() (unclean []string) {
	d.Helper()
	d.errs.Lock()
	defer d.errs.Unlock()
	for _, line := range d.errs.lines {
		if !strings.Contains(line, "committed records may be lost") {
			d.Errorf("logged as an error: %s", line)
			continue
		}
		unclean = append(unclean, line)
	}
	return unclean
}

// Goal: an unclean election is held when somebody asks for it, loses what its leader lacks
// and nothing else, and says so; who was in sync comes back with the same log; consumers go
// on. Method: of two replicas one has ten records more than the other.
func TestAnUncleanElectionLosesWhatTheLeaderLacksAndSaysSo(t *testing.T) {
	d := startDivided(t)
	produce(t, d.c, uncleanTopic, 10)
	d.until(uncleanTopic, 1, 1, 2)
	if err := d.elect(kadm.ElectLiveReplica, uncleanTopic); !errors.Is(err, kerr.ElectionNotNeeded) {
		t.Errorf("while there is a leader: %v", err)
	}
	var reader *kgo.Client
	d.divide(func() {
		produce(t, d.c, uncleanTopic, 10)
		reader = d.c.Client(kgo.ConsumeTopics(uncleanTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(10*time.Millisecond))
		consume(Context(t), t, reader, 20)
	})
	if err := d.elect(kadm.ElectPreferredReplica, uncleanTopic); !errors.Is(err, kerr.PreferredLeaderNotAvailable) {
		t.Errorf("a preferred election: %v", err)
	}
	if lines := d.lines(); len(lines) > 0 {
		t.Errorf("before anybody has asked: %q", lines)
	}
	if err := d.elect(kadm.ElectLiveReplica, uncleanTopic); err != nil {
		t.Fatal(err)
	}
	d.until(uncleanTopic, 2, 2)
	if lines := d.lines(); len(lines) != 2 || !strings.Contains(lines[0], "in_sync_before=[1]") || !strings.Contains(lines[0], "leader_log_end=10") ||
		!strings.Contains(lines[1], uncleanTopic+"-0") || !strings.Contains(lines[1], "leader=2") {
		t.Errorf("the log says %q", lines)
	}
	produce(t, d.c, uncleanTopic, 15)
	// It had read to 20, and is told of that; it goes on from where the logs agree (KIP-320).
	lost, next := false, int64(10)
	for ctx := Context(t); next < 25 && ctx.Err() == nil; {
		fetches := reader.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) {
			loss, ok := errors.AsType[*kgo.ErrDataLoss](err)
			lost = lost || ok && loss.ConsumedTo == 20 && loss.ResetTo == 10
			if !ok {
				t.Error(err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset != next {
				t.Errorf("offset %d comes, want %d", r.Offset, next)
			}
			next = r.Offset + 1
		})
	}
	if !lost || next != 25 {
		t.Errorf("a consumer has read to %d, and was told of the loss: %t", next, lost)
	}
	d.c.Start(1)
	d.until(uncleanTopic, 2, 1, 2)
	if err := d.elect(kadm.ElectPreferredReplica, uncleanTopic); err != nil {
		t.Fatal(err)
	}
	d.until(uncleanTopic, 1, 1, 2)
	produce(t, d.c, uncleanTopic, 1)
	want := make([]string, 0, 26)
	for _, n := range []int{10, 15, 1} {
		for i := range n {
			want = append(want, fmt.Sprint(i))
		}
	}
	slices.Sort(want)
	if got := consumeAll(t, d.c.Nodes[0], uncleanTopic, len(want)); !slices.Equal(got, want) {
		t.Errorf("after it there is %q, want %q", got, want)
	}
	if lines := d.lines(); len(lines) != 2 {
		t.Errorf("%d lines, of one election: %q", len(lines), lines)
	}
}

// A partition whose replicas are all gone has nobody to elect; the setting counts as soon as
// it is set, while the partition has no leader.
func TestASettingHasAPartitionElectUncleanly(t *testing.T) {
	d := startDivided(t)
	produce(t, d.c, uncleanTopic, 10)
	d.until(uncleanTopic, 1, 1, 2)
	d.divide(func() { produce(t, d.c, uncleanTopic, 10) })
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "unclean.leader.election.enable", Value: kadm.StringPtr("true")}}
	if _, err := d.admin.AlterTopicConfigs(Context(t), set, uncleanTopic); err != nil {
		t.Fatal(err)
	}
	d.until(uncleanTopic, 2, 2)
	if got := consumeAll(t, d.c.Nodes[1], uncleanTopic, 10); len(got) != 10 {
		t.Errorf("%d records", len(got))
	}
	if lines := d.lines(); len(lines) != 2 {
		t.Errorf("the log says %q", lines)
	}
}

// Groups go on from what was committed before.
func TestGroupsOutliveAnUncleanElectionOfTheirTopic(t *testing.T) {
	d := startDivided(t)
	const offsets, group = "__consumer_offsets", "g"
	commit := func(at int64) {
		t.Helper()
		var o kadm.Offsets
		o.Add(kadm.Offset{Topic: uncleanTopic, At: at, LeaderEpoch: -1})
		if err := d.admin.CommitAllOffsets(Context(t), group, o); err != nil {
			t.Fatal(err)
		}
	}
	committed := func(want int64) {
		t.Helper()
		all, err := d.admin.FetchOffsets(Context(t), group)
		if err != nil {
			t.Fatal(err)
		}
		if o, _ := all.Lookup(uncleanTopic, 0); o.At != want {
			t.Errorf("committed %d, want %d", o.At, want)
		}
	}
	commit(1)
	var move kadm.AlterPartitionAssignmentsReq
	move.Assign(offsets, 0, []int32{1, 2})
	if _, err := d.admin.AlterPartitionAssignments(Context(t), move); err != nil {
		t.Fatal(err)
	}
	d.until(offsets, 1, 1, 2)
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "min.insync.replicas", Value: kadm.StringPtr("1")}}
	if _, err := d.admin.AlterTopicConfigs(Context(t), set, offsets); err != nil {
		t.Fatal(err)
	}
	commit(2)
	d.divide(func() { commit(3) })
	elected, err := d.admin.ElectLeaders(Context(t), kadm.ElectLiveReplica, nil)
	if err != nil || len(elected) != 2 {
		t.Fatalf("%+v, %v", elected, err)
	}
	d.until(offsets, 2, 2)
	committed(2)
	commit(4)
	d.c.Start(1)
	d.until(offsets, 2, 1, 2)
	if err := d.elect(kadm.ElectPreferredReplica, offsets); err != nil {
		t.Fatal(err)
	}
	committed(4)
	d.lines()
}
