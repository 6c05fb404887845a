package brokertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const movedTopic, movedPartitions = "moved", 6

// replicasOf is what the assignment of every partition is to be.
type replicasOf func(partition int32) []int32

// same gives all partitions the same replicas.
func sameReplicas(nodes ...int32) replicasOf { return func(int32) []int32 { return nodes } }

// mover moves a topic's partitions.
type mover struct {
	*testing.T
	c     *Cluster
	admin *kadm.Client
}

// startMover starts three nodes with a topic.
func startMover(t *testing.T, replicas int16) mover {
	t.Helper()
	c := StartCluster(t, unattendedLogger(t), []int{1, 2, 3})
	m := mover{t, c, kadm.NewClient(c.Client())}
	if _, err := m.admin.CreateTopic(Context(t), movedPartitions, replicas, nil, movedTopic); err != nil {
		t.Fatal(err)
	}
	return m
}

// reassign asks for other replicas; nil cancels.
func (m *mover) reassign(to replicasOf) {
	m.Helper()
	var ask kadm.AlterPartitionAssignmentsReq
	for p := range int32(movedPartitions) {
		if to == nil {
			ask.CancelAssign(movedTopic, p)
		} else {
			ask.Assign(movedTopic, p, to(p))
		}
	}
	answers, err := m.admin.AlterPartitionAssignments(Context(m), ask)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		m.Fatal(err)
	}
}

// await waits until everything is where it was asked for, and nothing moves.
func (m *mover) await(to replicasOf) {
	m.Helper()
	ctx := Context(m)
	m.until(ctx, func() error {
		moving, err := m.moving(ctx)
		if err != nil || moving > 0 {
			return errors.Join(err, fmt.Errorf("%d partitions are moving", moving))
		}
		for _, p := range m.c.describe(m.T, m.c.Nodes[0], movedTopic) {
			if want := fmt.Sprint(to(p.partition)); p.replicas != want || len(p.isr) != len(want) {
				return fmt.Errorf("%+v, which was to be on %s", p, want)
			}
		}
		return nil
	})
	for partition := range int32(movedPartitions) {
		for i, node := range m.c.Nodes {
			m.awaitDirectory(ctx, node, partition, slices.Contains(to(partition), int32(i+1)))
		}
	}
}

// moving is how many partitions are being moved.
func (m *mover) moving(ctx context.Context) (n int, err error) {
	all, err := m.admin.ListPartitionReassignments(ctx, everyPartition())
	for _, partitions := range all {
		n += len(partitions)
	}
	return n, err
}

func everyPartition() kadm.TopicsSet {
	set := kadm.TopicsSet{}
	for p := range int32(movedPartitions) {
		set.Add(movedTopic, p)
	}
	return set
}

// until asks again until there is nothing wrong.
func (m *mover) until(ctx context.Context, wrong func() error) {
	m.Helper()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		err := wrong()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			m.Fatal(err)
		}
	}
}

// awaitDirectory: a partition's log is where its replicas are, and nowhere else.
func (m *mover) awaitDirectory(ctx context.Context, node *Broker, partition int32, want bool) {
	m.Helper()
	dir := filepath.Join(node.Dir, movedTopic+"-"+strconv.Itoa(int(partition)))
	m.until(ctx, func() error {
		if _, err := os.Stat(dir); (err == nil) != want {
			return fmt.Errorf("%s: is to be there: %t", dir, want)
		}
		return nil
	})
}

// Partitions move between nodes, get more copies and fewer, under load: nothing that is
// acknowledged meanwhile is lost, or there twice.
func TestPartitionsMoveUnderLoad(t *testing.T) {
	m := startMover(t, 2)
	c := m.c
	stop := make(chan struct{})
	var acknowledged []string
	var producing sync.WaitGroup
	producer := c.Client(kgo.DefaultProduceTopic(movedTopic), kgo.RequiredAcks(kgo.AllISRAcks()))
	producing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			value := fmt.Sprint("record ", n)
			if err := producer.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr(); err != nil {
				t.Errorf("%s: %v", value, err)
				return
			}
			acknowledged = append(acknowledged, value)
		}
	})
	for _, to := range []replicasOf{
		sameReplicas(2, 3), sameReplicas(3, 1), // one goes, which leads or does not
		sameReplicas(2, 1, 3), sameReplicas(3), sameReplicas(1), sameReplicas(2), // all go
		func(p int32) []int32 { return []int32{p%3 + 1, (p+1)%3 + 1} },
	} {
		m.reassign(to)
		m.await(to)
	}
	close(stop)
	producing.Wait()
	got := consumeAll(t, c.Nodes[1], movedTopic, len(acknowledged))
	slices.Sort(acknowledged)
	if !slices.Equal(got, acknowledged) {
		t.Errorf("%d records were acknowledged, and other %d are there", len(acknowledged), len(got))
	}
	t.Logf("%d records", len(acknowledged))
}

// Where a node that is to get a replica is down, the others go on, and it can be
// cancelled, or goes on when the node is back.
func TestAMoveToANodeThatIsDown(t *testing.T) {
	m := startMover(t, 2)
	c := m.c
	m.reassign(sameReplicas(1, 2))
	m.await(sameReplicas(1, 2))
	produce(t, c, movedTopic, 100)
	c.Stop(3)
	m.reassign(sameReplicas(3, 1))
	moving, err := m.admin.ListPartitionReassignments(Context(t), everyPartition())
	if err != nil || len(moving[movedTopic]) != movedPartitions {
		t.Fatalf("moving %+v, %v", moving, err)
	}
	for _, p := range moving[movedTopic] {
		if !slices.Equal(p.Replicas, []int32{3, 1, 2}) || !slices.Equal(p.AddingReplicas, []int32{3}) || !slices.Equal(p.RemovingReplicas, []int32{2}) {
			t.Errorf("%+v", p)
		}
	}
	produce(t, c, movedTopic, 100)
	m.reassign(nil)
	if moving, err = m.admin.ListPartitionReassignments(Context(t), everyPartition()); err != nil || len(moving) > 0 {
		t.Errorf("moving after it was cancelled: %+v, %v", moving, err)
	}
	m.reassign(sameReplicas(3, 1))
	c.Start(3)
	m.await(sameReplicas(3, 1))
	if got := consumeAll(t, c.Nodes[2], movedTopic, 200); len(got) != 200 {
		t.Errorf("%d records", len(got))
	}
}

// A node from which partitions are moved while it is down has nothing of them when it is
// back but what it has set aside.
func TestPartitionsMoveAwayFromANodeThatIsDown(t *testing.T) {
	m := startMover(t, 2)
	c := m.c
	m.reassign(sameReplicas(1, 2))
	m.await(sameReplicas(1, 2))
	produce(t, c, movedTopic, 100)
	c.Stop(2)
	m.reassign(sameReplicas(3, 1))
	m.until(Context(t), func() error {
		moving, err := m.moving(Context(t))
		if err == nil && moving > 0 {
			err = fmt.Errorf("%d partitions are moving", moving)
		}
		return err
	})
	c.Start(2)
	m.await(sameReplicas(3, 1))
	if aside, err := filepath.Glob(filepath.Join(c.Nodes[1].Dir, movedTopic+"-*-stray")); err != nil || len(aside) != movedPartitions {
		t.Errorf("set aside: %v, %v", aside, err)
	}
	m.reassign(sameReplicas(2, 3))
	m.await(sameReplicas(2, 3))
	if got := consumeAll(t, c.Nodes[1], movedTopic, 100); len(got) != 100 {
		t.Errorf("%d records", len(got))
	}
}

// produce writes records, and waits until they are acknowledged.
func produce(t *testing.T, c *Cluster, topic string, n int) {
	t.Helper()
	client := c.Client(kgo.DefaultProduceTopic(topic))
	for i := range n {
		if err := client.ProduceSync(Context(t), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReassignmentsThatAreRefused(t *testing.T) {
	c := StartCluster(t, unattendedLogger(t), []int{1, 2, 3})
	admin := kadm.NewClient(c.Client())
	if _, err := admin.CreateTopic(Context(t), 1, 2, nil, movedTopic); err != nil {
		t.Fatal(err)
	}
	one := func(fixed bool, topic string, partition int32, replicas []int32) error {
		r := kmsg.NewPtrAlterPartitionAssignmentsRequest()
		r.Version, r.AllowReplicationFactorChange = 1, !fixed
		a := kmsg.NewAlterPartitionAssignmentsRequestTopic()
		p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		a.Topic, p.Partition, p.Replicas = topic, partition, replicas
		a.Partitions = append(a.Partitions, p)
		r.Topics = append(r.Topics, a)
		resp := c.Nodes[0].Raw(t).Ask(r).(*kmsg.AlterPartitionAssignmentsResponse)
		return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	for _, refused := range []struct {
		want error
		err  error
	}{
		{kerr.UnknownTopicOrPartition, one(false, "none", 0, []int32{1})},
		{kerr.UnknownTopicOrPartition, one(false, movedTopic, 1, []int32{1})},
		{kerr.InvalidReplicaAssignment, one(false, movedTopic, 0, []int32{})},
		{kerr.InvalidReplicaAssignment, one(false, movedTopic, 0, []int32{1, 1})},
		{kerr.InvalidReplicaAssignment, one(false, movedTopic, 0, []int32{1, 4})},
		{kerr.InvalidReplicationFactor, one(true, movedTopic, 0, []int32{1, 2, 3})},
		{kerr.NoReassignmentInProgress, one(false, movedTopic, 0, nil)},
	} {
		if !errors.Is(refused.err, refused.want) {
			t.Errorf("%v, want %v", refused.err, refused.want)
		}
	}
}

// The first replica leads again when that is asked for, under load too.
func TestFirstReplicasAreElected(t *testing.T) {
	m := startMover(t, 3)
	c := m.c
	m.alterTopic(map[string]string{"min.insync.replicas": "3"})
	leaders := func(preferred bool) (led int) { // at node 1
		for _, p := range c.describe(t, c.Nodes[0], movedTopic) {
			if (p.leader == int32(p.replicas[1]-'0')) == preferred {
				led++
			}
		}
		return led
	}
	// In another order nobody has to move, and nobody does.
	m.reassign(func(p int32) []int32 { return []int32{p%3 + 1, (p+1)%3 + 1, (p+2)%3 + 1} })
	m.reassign(func(p int32) []int32 { return []int32{(p+1)%3 + 1, (p+2)%3 + 1, p%3 + 1} })
	m.until(Context(t), func() error {
		if leaders(false) == 0 {
			return errors.New("all first replicas lead")
		}
		return nil
	})
	m.fill(1) // on all three: who has not got so far as to hold what a new topic's leader does is not elected
	before := leaders(false)
	elected, err := m.admin.ElectLeaders(Context(t), kadm.ElectPreferredReplica, kadm.TopicsSet{})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, p := range elected[movedTopic] {
		if p.Err != nil {
			t.Errorf("partition %d: %v", p.Partition, p.Err)
		}
		count++
	}
	if count != before {
		t.Errorf("%d were elected, and %d were not led by their first replicas", count, before)
	}
	m.until(Context(t), func() error {
		if led := leaders(true); led != movedPartitions {
			return fmt.Errorf("%d of %d are led by their first replicas", led, movedPartitions)
		}
		return nil
	})
	elected, err = m.admin.ElectLeaders(Context(t), kadm.ElectPreferredReplica, kadm.TopicsSet{movedTopic: {0: {}}})
	if err != nil || !errors.Is(elected[movedTopic][0].Err, kerr.ElectionNotNeeded) {
		t.Errorf("elected again: %+v, %v", elected, err)
	}
	elected, err = m.admin.ElectLeaders(Context(t), kadm.ElectLiveReplica, kadm.TopicsSet{movedTopic: {0: {}}})
	if err != nil || !errors.Is(elected[movedTopic][0].Err, kerr.ElectionNotNeeded) {
		t.Errorf("elected uncleanly while there is a leader: %+v, %v", elected, err)
	}
}
