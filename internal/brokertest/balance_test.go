package brokertest

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/balance/remote"
	"github.com/chronik/chronik/internal/model"
)

const unevenTopic, unevenPartitions = "uneven", 12

// startUneven starts three nodes with a topic that is on two of them: the third has just
// joined, as far as the others are concerned.
func startUneven(t *testing.T, logger *slog.Logger, settings ...string) *Cluster {
	t.Helper()
	c := StartCluster(t, logger, []int{1, 2, 3}, settings...)
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = unevenTopic, -1, -1
	for p := range int32(unevenPartitions) {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = p, []int32{1 + p%2, 2 - p%2}
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, a)
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(Context(t), c.Client())
	if err != nil || answer.Topics[0].ErrorCode != 0 {
		t.Fatal(err, answer)
	}
	return c
}

// fill produces to each partition.
func (c *Cluster) fill(t *testing.T, bytes int) {
	t.Helper()
	producer := c.Client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for p := range int32(unevenPartitions) {
		r := &kgo.Record{Topic: unevenTopic, Partition: p, Value: make([]byte, bytes)}
		if err := producer.ProduceSync(Context(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// balance runs the command's work, and returns what it prints.
func (c *Cluster) balance(ctx context.Context, o remote.Options) (string, error) {
	var out strings.Builder
	for _, n := range c.Nodes {
		o.Servers = append(o.Servers, n.Addr)
	}
	o.Out = &out
	err := remote.Run(ctx, o)
	return out.String(), err
}

// spread is how many replicas each node has, and of how many it is the first.
func (c *Cluster) spread(t *testing.T) (replicas, first [clusterSize]int) {
	t.Helper()
	for _, p := range c.describe(t, c.Nodes[0], unevenTopic) {
		for n := range clusterSize {
			if strings.Contains(p.replicas, fmt.Sprint(n+1)) {
				replicas[n]++
			}
			if strings.HasPrefix(p.replicas, fmt.Sprint("[", n+1)) {
				first[n]++
			}
		}
	}
	return replicas, first
}

// firstLead: every first replica leads, and all replicas are in sync.
func (c *Cluster) firstLead(t *testing.T) func() error {
	return func() error {
		for _, p := range c.describe(t, c.Nodes[0], unevenTopic) {
			if !strings.HasPrefix(p.replicas, fmt.Sprint("[", p.leader)) || len(p.isr) != len(p.replicas) {
				return fmt.Errorf("%+v", p)
			}
		}
		return nil
	}
}

// Goal: the command evens a cluster out, says what it does, and has nothing to do then; a
// node that is to go has nothing in the end.
func TestTheCommandBalances(t *testing.T) {
	c := startUneven(t, unattendedLogger(t))
	c.fill(t, 100)
	f := func(o remote.Options, wantReplicas, wantFirst [clusterSize]int, words ...string) {
		t.Helper()
		out, err := c.balance(Context(t), o)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("%q is not said in\n%s", w, out)
			}
		}
		if replicas, first := c.spread(t); replicas != wantReplicas || first != wantFirst {
			t.Errorf("replicas %v, first %v, want %v, %v\n%s", replicas, first, wantReplicas, wantFirst, out)
		}
	}
	uneven, even := [clusterSize]int{12, 12, 0}, [clusterSize]int{8, 8, 8}
	f(remote.Options{DryRun: true}, uneven, [clusterSize]int{6, 6, 0}, "broker 1 is to lead 6 partitions and broker 3 0; 4.0 each is even", "8 partitions are to change")
	f(remote.Options{Topics: []string{unevenTopic}}, even, [clusterSize]int{4, 4, 4}, "8 of 8 done")
	f(remote.Options{}, even, [clusterSize]int{4, 4, 4}, "Nothing is to be done")
	f(remote.Options{Empty: []model.NodeID{2}}, [clusterSize]int{12, 0, 12}, [clusterSize]int{6, 0, 6}, "broker 2 is to be emptied")
	m := mover{T: t, c: c}
	m.until(Context(t), c.firstLead(t)) // whichever node is asked
	if _, err := c.balance(Context(t), remote.Options{Topics: []string{"nowhere"}}); err == nil || err.Error() != `--topics: there is no topic "nowhere"` {
		t.Error(err)
	}
}

// Goal: who interrupts leaves a cluster that is whole, and another run goes on. Method: at
// a rate at which each move would take hours only the first ones begin.
func TestTheCommandIsInterrupted(t *testing.T) {
	c := startUneven(t, unattendedLogger(t))
	c.fill(t, 100_000)
	ctx, interrupt := context.WithCancel(Context(t))
	ended := make(chan error, 1)
	go func() {
		_, err := c.balance(ctx, remote.Options{BytesPerSecond: 10})
		ended <- err
	}()
	m := mover{T: t, c: c}
	m.until(Context(t), func() error {
		if replicas, _ := c.spread(t); replicas[2] == 0 {
			return fmt.Errorf("node 3 has nothing yet")
		}
		return nil
	})
	interrupt()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "interrupted: ") {
		t.Fatal(err)
	}
	if replicas, _ := c.spread(t); replicas[2] > 2 {
		t.Errorf("replicas %v, at a rate at which each takes hours", replicas)
	}
	out := new(strings.Builder)
	if err := remote.EndThrottle(Context(t), remote.Options{Servers: []string{c.Nodes[0].Addr}, Out: out}); err != nil || !strings.HasPrefix(out.String(), "Replication is throttled no more on 3 brokers") {
		t.Fatal(err, out)
	}
	m.until(Context(t), func() error {
		for _, p := range c.describe(t, c.Nodes[0], unevenTopic) {
			if len(p.isr) != len("[1 2]") || len(p.replicas) != len(p.isr) {
				return fmt.Errorf("%+v", p)
			}
		}
		return nil
	})
	if out, err := c.balance(Context(t), remote.Options{}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if replicas, _ := c.spread(t); replicas != [clusterSize]int{8, 8, 8} {
		t.Errorf("replicas %v", replicas)
	}
}

// metric is the value of one that has no labels.
func metric(t *testing.T, admin, name string) float64 {
	t.Helper()
	for line := range strings.Lines(page(t, "http://"+admin+"/metrics")) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// Goal: with balancer.enable the cluster evens itself out, under load, nothing that is
// acknowledged is lost, and what was copied is counted as sent within the balancer's limit.
func TestAClusterBalancesItself(t *testing.T) {
	const valueBytes = 100_000
	ready := readyLine{unattendedLogger(t).Handler(), make(chan string, clusterSize)}
	c := startUneven(t, slog.New(ready), "balancer.enable=true", "balancer.check.interval.seconds=1", "auto.leader.rebalance.enable=false")
	c.fill(t, valueBytes)
	stop, ended := make(chan struct{}), make(chan int)
	producer := c.Client(kgo.DefaultProduceTopic(unevenTopic), kgo.RequiredAcks(kgo.AllISRAcks()))
	go func() {
		count := 0
		defer func() { ended <- count }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := producer.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprint(count))).FirstErr(); err != nil {
				t.Error(err)
				return
			}
			count++
		}
	}()
	even := func() error {
		replicas, first := c.spread(t)
		if replicas != [clusterSize]int{8, 8, 8} || first != [clusterSize]int{4, 4, 4} {
			return fmt.Errorf("replicas %v, first %v", replicas, first)
		}
		return c.firstLead(t)()
	}
	m := mover{T: t, c: c}
	m.until(Context(t), even)
	close(stop)
	count := <-ended
	sent := 0.0
	for range clusterSize {
		sent += metric(t, <-ready.admin, "chronik_replication_throttled_sent_bytes_total")
	}
	if moved := 8; sent < float64(moved*valueBytes) {
		t.Errorf("%v bytes were sent within the limit, of %d replicas with %d each", sent, moved, valueBytes)
	}
	read := make(map[string]int)
	consumer := c.Client(kgo.ConsumeTopics(unevenTopic))
	for ctx := Context(t); len(read) < count && ctx.Err() == nil; {
		consumer.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if len(r.Value) < valueBytes {
				read[string(r.Value)]++
			}
		})
	}
	if len(read) != count {
		t.Errorf("%d of %d records are there", len(read), count)
	}
	for value, times := range read {
		if times != 1 {
			t.Errorf("%s is there %d times", value, times)
		}
	}
}
