package brokertest

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const leaderRate, followerRate = "leader.replication.throttled.rate", "follower.replication.throttled.rate"

// alterTopic changes settings of the moved topic; an empty value clears one.
func (m *mover) alterTopic(values map[string]string) {
	m.Helper()
	var ops []kadm.AlterConfig
	for name, value := range values {
		ops = append(ops, alteration(name, value))
	}
	answers, err := m.admin.AlterTopicConfigs(Context(m), ops, movedTopic)
	for _, a := range answers {
		if err == nil {
			err = a.Err
		}
	}
	if err != nil {
		m.Fatal(err)
	}
}

// throttle does what kafka-reassign-partitions --throttle does; 0: what --verify does, when
// nothing moves any more.
func (m *mover) throttle(rate int) {
	m.Helper()
	replicas, value := "*", strconv.Itoa(rate)
	if rate == 0 {
		replicas, value = "", ""
	}
	m.alterTopic(map[string]string{"leader.replication.throttled.replicas": replicas, "follower.replication.throttled.replicas": replicas})
	for _, name := range []string{leaderRate, followerRate} {
		alterBrokers(m.T, m.admin, name, value, 1, 2, 3)
	}
}

// fill writes batches of 50 kB to every partition; it returns how many bytes in all.
func (m *mover) fill(batches int) int {
	m.Helper()
	client := m.c.Client(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	value := bytes.Repeat([]byte("v"), 50_000)
	for range batches {
		for p := range int32(movedPartitions) {
			if err := client.ProduceSync(Context(m), &kgo.Record{Topic: movedTopic, Partition: p, Value: value}).FirstErr(); err != nil {
				m.Fatal(err)
			}
		}
	}
	return batches * movedPartitions * len(value)
}

// A move with a throttle takes as long as it must, one that is far too slow holds up nobody
// who writes, and a greater rate counts at once.
func TestAMoveWithAThrottle(t *testing.T) {
	m := startMover(t, 2)
	m.reassign(sameReplicas(1, 2))
	m.await(sameReplicas(1, 2))
	size := m.fill(10)
	const slow, rate, fast = 1, 1_000_000, 1 << 40

	m.throttle(slow)
	m.reassign(sameReplicas(1, 3))
	client, began := m.c.Client(kgo.DefaultProduceTopic(movedTopic)), time.Now()
	for i := range 50 {
		if err := client.ProduceSync(Context(t), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	if took > 8*time.Second { // each would have waited for as long
		t.Errorf("50 records took %v", took)
	}
	if moving, err := m.moving(Context(t)); err != nil || moving < movedPartitions-2 {
		t.Errorf("at %d byte a second %d partitions are moving still, %v", slow, moving, err)
	}

	began = time.Now()
	m.throttle(rate)
	m.await(sameReplicas(1, 3))
	moved, want := time.Since(began), time.Duration(size)*time.Second/rate
	if moved < want*3/4 {
		t.Errorf("%d bytes took %v at %d a second, want %v", size, moved, rate, want)
	}

	m.throttle(slow)
	m.reassign(sameReplicas(2, 3))
	m.until(Context(t), func() error { // it has begun
		for _, p := range m.c.describe(t, m.c.Nodes[2], movedTopic) {
			if p.replicas != fmt.Sprint([]int32{2, 3, 1}) {
				return fmt.Errorf("%+v", p)
			}
		}
		return nil
	})
	began = time.Now()
	m.throttle(fast)
	m.await(sameReplicas(2, 3))
	raised := time.Since(began)
	if raised > 5*time.Second { // at the old rate: a batch in ten seconds
		t.Errorf("with the rate raised it took %v", raised)
	}
	m.throttle(0)
	t.Logf("50 records while the move waits: %v; the move of %d bytes: %v, of at least %v; with the rate raised: %v", took, size, moved, want, raised)
}

// The settings are described as they are set, of the broker, of all brokers and of the topic.
func TestThrottlesAreDescribed(t *testing.T) {
	m := startMover(t, 2)
	alterBrokers(t, m.admin, leaderRate, "100")
	alterBrokers(t, m.admin, leaderRate, "200", 2)
	m.alterTopic(map[string]string{"leader.replication.throttled.replicas": "0:1, 1:2"})
	ctx := Context(t)
	m.until(ctx, func() error { // whoever is asked has to have heard of it
		brokers, err := m.admin.DescribeBrokerConfigs(ctx, 1, 2)
		if err != nil {
			return err
		}
		topics, err := m.admin.DescribeTopicConfigs(ctx, movedTopic)
		if err != nil {
			return err
		}
		want := map[string]string{
			"1 " + leaderRate: "100", "2 " + leaderRate: "200", "1 " + followerRate: "9223372036854775807", "2 " + followerRate: "9223372036854775807",
			movedTopic + " leader.replication.throttled.replicas": "0:1,1:2", movedTopic + " follower.replication.throttled.replicas": "",
		}
		for _, described := range append(brokers, topics...) {
			for _, c := range described.Configs {
				key := described.Name + " " + c.Key
				if value, ok := want[key]; ok && c.MaybeValue() != value {
					return fmt.Errorf("%s is %q, want %q", key, c.MaybeValue(), value)
				}
				delete(want, key)
			}
		}
		if len(want) > 0 {
			return fmt.Errorf("not described: %v", want)
		}
		return nil
	})
	answers, err := m.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{alteration("leader.replication.throttled.replicas", "none")}, movedTopic)
	if err != nil || len(answers) != 1 || answers[0].Err == nil {
		t.Errorf("none is taken for a list: %+v, %v", answers, err)
	}
}
