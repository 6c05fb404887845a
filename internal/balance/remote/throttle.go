package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/model"
)

// Kafka's settings by which replication is throttled (KIP-73): what brokers send and are
// sent, and for which replicas that counts.
const (
	leaderRate       = "leader.replication.throttled.rate"
	followerRate     = "follower.replication.throttled.rate"
	leaderReplicas   = "leader.replication.throttled.replicas"
	followerReplicas = "follower.replication.throttled.replicas"
)

// listBytesMax is how long a list of replicas may be; Kafka's values end at 32 KiB. All of
// a topic is throttled then, which is those of its replicas that are not in sync.
const listBytesMax = 30_000

// throttle are those settings, for one plan.
type throttle struct {
	*session
	brokers []int32
	topics  []string
}

// set throttles what is going to be copied: those that come, and those that have it
// already.
func (t *throttle) set(ctx context.Context, moves []*balance.Move) error {
	if t.BytesPerSecond == 0 {
		return nil
	}
	sends, receives := make(map[string][]string), make(map[string][]string)
	brokers := make(map[int32]bool)
	for _, m := range moves {
		if m.Bytes == 0 {
			continue
		}
		topic := m.Partition.Topic
		for _, n := range m.From {
			sends[topic] = append(sends[topic], replica(m, n))
			brokers[int32(n)] = true
		}
		for _, n := range m.To {
			if !slices.Contains(m.From, n) {
				receives[topic] = append(receives[topic], replica(m, n))
				brokers[int32(n)] = true
			}
		}
	}
	t.topics, t.brokers = slices.Sorted(maps.Keys(sends)), slices.Sorted(maps.Keys(brokers))
	if len(t.topics) == 0 {
		return nil
	}
	rate := strconv.FormatInt(t.BytesPerSecond, 10)
	err := t.alterBrokers(ctx, kadm.SetConfig, rate)
	for _, topic := range t.topics {
		if err == nil {
			err = t.alterTopic(ctx, topic, kadm.SetConfig, list(sends[topic]), list(receives[topic]))
		}
	}
	if errors.Is(err, kerr.InvalidConfig) || errors.Is(err, kerr.InvalidRequest) {
		t.printf("Note: the brokers do not throttle replication (the settings %v). Moves begin one after the other, so that each broker keeps to %s/s on the average.\n",
			err, balance.Bytes(t.BytesPerSecond))
		clearing := t.remove(ctx)
		t.topics, t.brokers = nil, nil
		if errors.Is(clearing, kerr.InvalidConfig) || errors.Is(clearing, kerr.InvalidRequest) {
			return nil
		}
		return clearing
	}
	if err != nil {
		return fmt.Errorf("throttle replication: %w", err)
	}
	t.printf("Replication of what moves is throttled to %s/s on each broker.\n", balance.Bytes(t.BytesPerSecond))
	return nil
}

func list(replicas []string) string {
	if text := strings.Join(replicas, ","); len(text) <= listBytesMax {
		return text
	}
	return "*"
}

func replica(m *balance.Move, n model.NodeID) string {
	return fmt.Sprintf("%d:%d", m.Partition.Partition, n)
}

// remove takes the settings back.
func (t *throttle) remove(ctx context.Context) error {
	if len(t.brokers) == 0 {
		return nil
	}
	err := t.alterBrokers(ctx, kadm.DeleteConfig, "")
	for _, topic := range t.topics {
		err = errors.Join(err, t.alterTopic(ctx, topic, kadm.DeleteConfig, "", ""))
	}
	if err != nil {
		return fmt.Errorf("take the throttle back: %w", err)
	}
	return nil
}

// leave says how the settings are taken back when they are not needed any more.
func (t *throttle) leave() {
	if len(t.topics) > 0 {
		t.printf("They are throttled until somebody takes that back: chronik-server balance --end-throttle, with the same --bootstrap-servers.\n")
	}
}

// EndThrottle takes back what an interrupted run has left: the rates of all brokers, and
// the lists of all topics that have some.
func EndThrottle(ctx context.Context, options Options) error {
	o, err := options.open()
	if err != nil {
		return err
	}
	defer o.close()
	t := &throttle{session: o}
	metadata, err := o.admin.Metadata(ctx)
	if err != nil {
		return fmt.Errorf("ask for the metadata: %w", err)
	}
	t.brokers = metadata.Brokers.NodeIDs()
	all, err := o.admin.DescribeTopicConfigs(ctx, metadata.Topics.Names()...)
	if err != nil {
		return fmt.Errorf("ask for the settings of topics: %w", err)
	}
	for _, topic := range all {
		for _, c := range topic.Configs {
			if (c.Key == leaderReplicas || c.Key == followerReplicas) && c.MaybeValue() != "" && !slices.Contains(t.topics, topic.Name) {
				t.topics = append(t.topics, topic.Name)
			}
		}
	}
	if err := t.remove(ctx); err != nil {
		return err
	}
	o.printf("Replication is throttled no more on %d brokers, and of %d topics.\n", len(t.brokers), len(t.topics))
	return nil
}

func (t *throttle) alterBrokers(ctx context.Context, op kadm.IncrementalOp, rate string) error {
	answers, err := t.admin.AlterBrokerConfigs(ctx, configs(op, leaderRate, rate, followerRate, rate), t.brokers...)
	return firstOf(answers, err)
}

func (t *throttle) alterTopic(ctx context.Context, topic string, op kadm.IncrementalOp, sends, receives string) error {
	answers, err := t.admin.AlterTopicConfigs(ctx, configs(op, leaderReplicas, sends, followerReplicas, receives), topic)
	return firstOf(answers, err)
}

// configs are changes of settings, of which names and values follow each other.
func configs(op kadm.IncrementalOp, pairs ...string) []kadm.AlterConfig {
	var all []kadm.AlterConfig
	for i := 0; i < len(pairs); i += 2 {
		c := kadm.AlterConfig{Op: op, Name: pairs[i]}
		if op == kadm.SetConfig {
			c.Value = kadm.StringPtr(pairs[i+1])
		}
		all = append(all, c)
	}
	return all
}

// firstOf is what was wrong with the first of them.
func firstOf(answers kadm.AlterConfigsResponses, err error) error {
	for _, a := range answers {
		if a.Err != nil && err == nil {
			err = fmt.Errorf("of %s: %w %s", a.Name, a.Err, a.ErrMessage)
		}
	}
	return err
}
