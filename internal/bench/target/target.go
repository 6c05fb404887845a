// Package target is the topic that a benchmark runs against: it looks at the cluster, sees
// to it that the topic is there, and says where its partitions start and end. A Target
// holds connections until Close, and may be used concurrently.
package target

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/result"
)

const (
	// answerMax is how long a cluster may take to answer what any cluster answers at once.
	answerMax = 10 * time.Second
	// leadersMax is how long a topic may be without all its leaders.
	leadersMax = 30 * time.Second
)

// Spec is what is wanted.
type Spec struct {
	Servers     string // as they were given, for errors
	Topic       string
	Partitions  int  // 0: the cluster's default, or what there is
	Replication int  // 0: the same
	Create      bool // the topic, where it is not there
}

// Target is a topic that is there, with all its leaders.
type Target struct {
	Cluster result.Cluster
	Created bool // it was not there before

	topic  string
	client *kgo.Client
	admin  *kadm.Client
}

// Open reaches the cluster, and creates the topic where it is missing. Errors name the
// flag to change.
func Open(ctx context.Context, reach []kgo.Opt, s Spec) (*Target, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, reach...), kgo.MetadataMinAge(100*time.Millisecond))...)
	if err != nil {
		return nil, fmt.Errorf("--bootstrap-servers %s: %w", s.Servers, err)
	}
	t := &Target{topic: s.Topic, client: client, admin: kadm.NewClient(client)}
	if err := t.open(ctx, s); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close ends the connections.
func (t *Target) Close() { t.client.Close() }

func (t *Target) open(ctx context.Context, s Spec) error {
	first, cancel := context.WithTimeout(ctx, answerMax)
	defer cancel()
	if err := t.client.Ping(first); err != nil {
		return fmt.Errorf("--bootstrap-servers %s: nobody answers as a Kafka broker: %w", s.Servers, err)
	}
	found, err := t.look(first)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		if !s.Create {
			return fmt.Errorf("--topic %s: there is no such topic, and so nothing to read", s.Topic)
		}
		if err := t.create(first, s); err != nil {
			return err
		}
	} else if err != nil {
		return fmt.Errorf("--topic %s: %w", s.Topic, err)
	} else if err := s.matches(found); err != nil {
		return err
	}
	return t.awaitLeaders(ctx)
}

// matches says what of a topic that is there is not as it was asked for.
func (s *Spec) matches(found result.Cluster) error {
	switch {
	case s.Partitions != 0 && s.Partitions != found.Partitions:
		return fmt.Errorf("--partitions %d: topic %s is there already, with %d; leave the flag out, or choose another --topic",
			s.Partitions, s.Topic, found.Partitions)
	case s.Replication != 0 && s.Replication != found.Replication:
		return fmt.Errorf("--replication-factor %d: topic %s is there already, with %d; leave the flag out, or choose another --topic",
			s.Replication, s.Topic, found.Replication)
	}
	return nil
}

func (t *Target) create(ctx context.Context, s Spec) error {
	partitions, replication := int32(-1), int16(-1) // the cluster's defaults
	if s.Partitions != 0 {
		partitions = int32(s.Partitions)
	}
	if s.Replication != 0 {
		replication = int16(s.Replication)
	}
	answer, err := t.admin.CreateTopic(ctx, partitions, replication, nil, s.Topic)
	switch {
	case err == nil:
		t.Created = true
		return nil
	case errors.Is(err, kerr.TopicAlreadyExists): // somebody was faster
		return nil
	default:
		if answer.ErrMessage != "" {
			err = fmt.Errorf("%w: %s", err, answer.ErrMessage)
		}
		return fmt.Errorf("create --topic %s (--partitions, --replication-factor): %w", s.Topic, err)
	}
}

// look describes the cluster and the topic as they are.
func (t *Target) look(ctx context.Context) (result.Cluster, error) {
	m, err := t.admin.Metadata(ctx, t.topic)
	if err != nil {
		return result.Cluster{}, err
	}
	detail := m.Topics[t.topic]
	if detail.Err != nil {
		return result.Cluster{}, detail.Err
	}
	c := result.Cluster{ID: m.Cluster, Brokers: len(m.Brokers), Topic: t.topic, Partitions: len(detail.Partitions)}
	for _, p := range detail.Partitions {
		c.Replication = max(c.Replication, len(p.Replicas))
		if p.Err != nil || p.Leader < 0 {
			return c, errors.Join(fmt.Errorf("partition %d has no leader", p.Partition), p.Err)
		}
	}
	return c, nil
}

// awaitLeaders waits until each partition has a leader.
func (t *Target) awaitLeaders(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leadersMax)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := t.look(ctx)
		if err == nil && c.Partitions > 0 {
			t.Cluster = c
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("--topic %s is not ready after %s: %w", t.topic, leadersMax, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// Delete deletes the topic, with all that is in it.
func (t *Target) Delete(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerMax)
	defer cancel()
	if _, err := t.admin.DeleteTopic(ctx, t.topic); err != nil {
		return fmt.Errorf("delete topic %s: %w", t.topic, err)
	}
	return nil
}

// Starts is each partition's first offset.
func (t *Target) Starts(ctx context.Context) (map[int32]int64, error) {
	return t.offsets(ctx, t.admin.ListStartOffsets)
}

// Ends is the offset that each partition's next record will have.
func (t *Target) Ends(ctx context.Context) (map[int32]int64, error) {
	return t.offsets(ctx, t.admin.ListEndOffsets)
}

func (t *Target) offsets(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, leadersMax)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		listed, err := list(ctx, t.topic)
		if err == nil {
			err = listed.Error()
		}
		switch {
		case err == nil:
			found := map[int32]int64{}
			listed.Each(func(l kadm.ListedOffset) { found[l.Partition] = l.Offset })
			return found, nil
		case !kerr.IsRetriable(err):
			return nil, fmt.Errorf("offsets of %s: %w", t.topic, err)
		}
		// A leader that was elected just now, or is cut off for a moment.
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("offsets of %s: %w", t.topic, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// endTxn is the key of the API without which nothing is committed.
const endTxn = 26

// ServesTransactions reports whether all brokers do.
func (t *Target) ServesTransactions(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerMax)
	defer cancel()
	brokers, err := t.admin.ApiVersions(ctx)
	if err != nil {
		return false, fmt.Errorf("which APIs the cluster has: %w", err)
	}
	all := true
	brokers.Each(func(b kadm.BrokerApiVersions) {
		_, served := b.KeyMaxVersion(endTxn)
		all = all && b.Err == nil && served
	})
	return all, nil
}
