package brokertest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/membership"
)

// roster is a cluster whose nodes come and go.
type roster struct {
	mover
	client *kgo.Client
}

func startRoster(t *testing.T) roster {
	t.Helper()
	m := startMover(t, 3)
	return roster{m, m.c.Client()}
}

// newcomer starts a node with an empty directory that is told of one member.
func (r *roster) newcomer(id int, dir string) *Broker {
	r.Helper()
	b := r.launch(id, dir)
	b.awaitReady()
	return b
}

func (r *roster) launch(id int, dir string) *Broker {
	r.Helper()
	return launch(r.T, dir, r.c.logger.With("on", id), fmt.Sprint("node.id=", id), "raft.addr=127.0.0.1:"+FreePort(r.T),
		"peers=2@127.0.0.1:"+r.c.layout.raft[1], patience)
}

// quorum is who votes, and who learns.
func (r *roster) quorum(ctx context.Context) (voters, learners []int32) {
	r.Helper()
	p := r.describeQuorum(ctx)
	for _, v := range p.CurrentVoters {
		voters = append(voters, v.ReplicaID)
	}
	for _, o := range p.Observers {
		learners = append(learners, o.ReplicaID)
	}
	slices.Sort(voters)
	return voters, learners
}

func (r *roster) describeQuorum(ctx context.Context) kmsg.DescribeQuorumResponseTopicPartition {
	r.Helper()
	ask := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	ask.Topics = append(ask.Topics, topic)
	answer, err := ask.RequestWith(ctx, r.client)
	if err != nil {
		r.Fatal(err)
	}
	return answer.Topics[0].Partitions[0]
}

func (r *roster) wantQuorum(ctx context.Context, want string) {
	r.Helper()
	r.until(ctx, func() error {
		if got := fmt.Sprint(r.quorum(ctx)); got != want {
			return fmt.Errorf("voters and learners are %s, want %s", got, want)
		}
		return nil
	})
}

// add gives a node a vote, remove takes it; unregister has the cluster forget it.
func (r *roster) add(ctx context.Context, node int32) error {
	ask := kmsg.NewPtrAddRaftVoterRequest()
	ask.VoterID = node
	answer, err := ask.RequestWith(ctx, r.client)
	return outcome(err, func() (int16, *string) { return answer.ErrorCode, answer.ErrorMessage })
}

func (r *roster) remove(ctx context.Context, node int32) error {
	ask := kmsg.NewPtrRemoveRaftVoterRequest()
	ask.VoterID = node
	answer, err := ask.RequestWith(ctx, r.client)
	return outcome(err, func() (int16, *string) { return answer.ErrorCode, answer.ErrorMessage })
}

func (r *roster) unregister(ctx context.Context, node int32) error {
	ask := kmsg.NewPtrUnregisterBrokerRequest()
	ask.BrokerID = node
	answer, err := ask.RequestWith(ctx, r.client)
	return outcome(err, func() (int16, *string) { return answer.ErrorCode, answer.ErrorMessage })
}

func outcome(err error, answered func() (int16, *string)) error {
	if err != nil {
		return err
	}
	code, message := answered()
	if err := kerr.ErrorForCode(code); err != nil {
		return fmt.Errorf("%w: %s", err, *message)
	}
	return nil
}

func (r *roster) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *roster) refuses(err error, code *kerr.Error, words string) {
	r.Helper()
	if !errors.Is(err, code) || !strings.Contains(err.Error(), words) {
		r.Errorf("%v, want %v: %s", err, code, words)
	}
}

// produced writes a record with acks=all to each partition.
func (r *roster) produced(ctx context.Context) {
	r.Helper()
	c := r.c.Client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for p := range int32(movedPartitions) {
		if err := c.ProduceSync(ctx, &kgo.Record{Topic: movedTopic, Partition: p, Value: []byte("v")}).FirstErr(); err != nil {
			r.Fatal(err)
		}
	}
}

// Goal: the whole life of a fourth node, with the leader of the quorum among those that
// lose their vote.
func TestANodeJoinsVotesAndLeaves(t *testing.T) {
	r := startRoster(t)
	ctx := Context(t)
	dir := filepath.Join(t.TempDir(), "node4")
	fourth := r.newcomer(4, dir)
	r.wantQuorum(ctx, "[1 2 3] [4]")
	r.until(ctx, func() error { // each node hears of it in its own time
		brokers, err := r.admin.ListBrokers(ctx)
		if err == nil && len(brokers) != 4 {
			err = fmt.Errorf("brokers %v", brokers)
		}
		return err
	})
	r.refuses(r.add(ctx, 9), kerr.VoterNotFound, "node 9 is not of the cluster")
	r.reassign(sameReplicas(4, 1, 2))
	r.produced(ctx)
	r.refuses(r.unregister(ctx, 4), kerr.InvalidRequest, "broker 4 has replicas of 6 partitions, moved-0 among them")

	r.must(r.add(ctx, 4))
	r.wantQuorum(ctx, "[1 2 3 4] []")
	r.refuses(r.add(ctx, 4), kerr.DuplicateVoter, "node 4")
	r.refuses(r.unregister(ctx, 4), kerr.InvalidRequest, "node 4 is a voter")
	leader := r.describeQuorum(ctx).LeaderID
	r.must(r.remove(ctx, leader))
	r.refuses(r.remove(ctx, leader), kerr.VoterNotFound, "is not a voter")
	r.must(r.add(ctx, leader))
	r.must(r.remove(ctx, 4))
	r.wantQuorum(ctx, "[1 2 3] [4]")

	r.reassign(sameReplicas(1, 2, 3))
	r.await(sameReplicas(1, 2, 3))
	r.must(r.unregister(ctx, 4))
	r.wantQuorum(ctx, "[1 2 3] []")
	if err := <-fourth.done; !errors.Is(err, membership.ErrRemoved) {
		t.Errorf("the node that was forgotten ends with %v", err)
	}
	fourth.done = nil
	r.refuses(r.unregister(ctx, 4), kerr.BrokerIDNotRegistered, "4")

	// It may come back, with what it has.
	r.newcomer(4, dir)
	r.wantQuorum(ctx, "[1 2 3] [4]")
	r.produced(ctx)
}

// Goal: a node whose disk is lost comes back under its id, and gets everything that it
// had. Method: it is refused while it has a vote, and let in without.
func TestALostDiskIsReplacedUnderTheSameID(t *testing.T) {
	r := startRoster(t)
	ctx := Context(t)
	r.produced(ctx)
	r.c.Stop(3)
	dir := filepath.Join(t.TempDir(), "node3")
	early := r.launch(3, dir)
	if err := <-early.done; err == nil || !strings.Contains(err.Error(), "node 3 is a voter, and comes with an empty data directory") {
		t.Errorf("a voter without its disk ends with %v", err)
	}
	early.done = nil
	r.must(r.remove(ctx, 3))
	r.produced(ctx)
	r.c.Nodes[2] = r.newcomer(3, dir) // which the refused start has left something in
	r.wantQuorum(ctx, "[1 2] [3]")
	r.await(func(p int32) []int32 { return r.replicas(p) })
	r.must(r.add(ctx, 3))
	r.wantQuorum(ctx, "[1 2 3] []")
	r.c.Stop(1) // the new copies and votes count
	r.produced(ctx)
	r.readAll(ctx, 3)
}

// Goal: a node that was forgotten while it stood still, by a cluster that another node leads
// since, stops when it goes on. Method: the leader that it knows is stopped, so that those
// that are left, which send it nothing, have to be asked.
func TestANodeThatWasForgottenWhileItStoodStillStops(t *testing.T) {
	r := startRoster(t)
	ctx := Context(t)
	fourth := Launch(t, Build(t), "--node-id", "4", "--kafka-port", "0", "--admin-addr", "none", "--data-dir", filepath.Join(t.TempDir(), "node4"),
		"--override", "broker.session.timeout.ms=2000", "raft-cluster", "--raft-addr", "127.0.0.1:"+FreePort(t), "--peers", "2@127.0.0.1:"+r.c.layout.raft[1])
	fourth.Await(saidReady)
	r.wantQuorum(ctx, "[1 2 3] [4]")
	leader := int(r.describeQuorum(ctx).LeaderID)
	r.must(fourth.cmd.Process.Signal(syscall.SIGSTOP))
	r.must(r.unregister(ctx, 4))
	r.wantQuorum(ctx, "[1 2 3] []")
	r.c.Stop(leader)
	r.must(fourth.cmd.Process.Signal(syscall.SIGCONT))
	if err := fourth.Ended(ctx); err == nil || !strings.Contains(fourth.Log(), membership.ErrRemoved.Error()) {
		t.Errorf("it ends with %v, and said:\n%s", err, fourth.Log())
	}
}

// replicas are a partition's as they are now.
func (r *roster) replicas(partition int32) []int32 {
	topics, err := r.admin.ListTopics(Context(r.T), movedTopic)
	if err != nil {
		r.Fatal(err)
	}
	return topics[movedTopic].Partitions[partition].Replicas
}

// readAll reads as many records from each partition.
func (r *roster) readAll(ctx context.Context, each int) {
	r.Helper()
	c := r.c.Client(kgo.ConsumeTopics(movedTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for got := 0; got < each*movedPartitions; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			r.Fatal(err)
		}
		got += fetches.NumRecords()
	}
	offsets, err := kadm.NewClient(c).ListEndOffsets(ctx, movedTopic)
	if err != nil {
		r.Fatal(err)
	}
	offsets.Each(func(o kadm.ListedOffset) {
		if o.Offset != int64(each) {
			r.Errorf("partition %d ends at %d, want %d", o.Partition, o.Offset, each)
		}
	})
}
