package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// askMax is how long one node may take to answer one question.
	askMax = 2 * time.Second
	// agreeMax is how long the nodes may take to come back to what they were.
	agreeMax = 60 * time.Second
	// lookAgain is when a question is asked again.
	lookAgain = 10 * time.Millisecond
)

// View asks the nodes of a cluster, each by itself, what they believe.
type View struct {
	clients map[int]*kgo.Client // by node
}

// NewView makes a view of all nodes, whether they run or not.
func NewView(c *Cluster) (*View, error) {
	v := &View{clients: map[int]*kgo.Client{}}
	for _, n := range c.Nodes {
		client, err := kgo.NewClient(kgo.SeedBrokers(n.Addr), kgo.DialTimeout(askMax))
		if err != nil {
			return nil, err
		}
		v.clients[n.ID] = client
	}
	return v, nil
}

// Close closes the connections.
func (v *View) Close() {
	for _, c := range v.clients {
		c.Close()
	}
}

func (v *View) ask(ctx context.Context, node int, request kmsg.Request) (kmsg.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	response, err := v.clients[node].SeedBrokers()[0].Request(ctx, request)
	if errors.Is(err, io.EOF) { // the connection has ended with a process of before
		response, err = v.clients[node].SeedBrokers()[0].Request(ctx, request)
	}
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", node, err)
	}
	return response, nil
}

// Partition is one partition as a node knows it.
type Partition struct {
	Leader, Epoch int
	Replicas, ISR []int
}

// Topic is what a node knows of a topic's partitions, in order of their numbers.
func (v *View) Topic(ctx context.Context, node int, topic string) ([]Partition, error) {
	request := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	request.Topics = append(request.Topics, t)
	response, err := v.ask(ctx, node, request)
	if err != nil {
		return nil, err
	}
	found := response.(*kmsg.MetadataResponse).Topics[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return nil, fmt.Errorf("node %d: topic %s: %w", node, topic, err)
	}
	partitions := make([]Partition, len(found.Partitions))
	for _, p := range found.Partitions {
		if int(p.Partition) >= len(partitions) {
			return nil, fmt.Errorf("node %d: partition %d of %d", node, p.Partition, len(partitions))
		}
		partitions[p.Partition] = Partition{Leader: int(p.Leader), Epoch: int(p.LeaderEpoch), Replicas: ints(p.Replicas), ISR: ints(p.ISR)}
	}
	return partitions, nil
}

// Brokers is how many a cluster has, by what the one of an address says.
func Brokers(ctx context.Context, addr string) (int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...), kgo.DialTimeout(askMax))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askMax)
	defer cancel()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{} // none
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	return len(response.Brokers), nil
}

func ints(ids []int32) []int {
	var all []int
	for _, id := range ids {
		all = append(all, int(id))
	}
	return all
}

// Bytes is how large a node's copies of a topic's partitions are.
func (v *View) Bytes(ctx context.Context, node int, topic string) (int64, error) {
	response, err := v.ask(ctx, node, kmsg.NewPtrDescribeLogDirsRequest())
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, dir := range response.(*kmsg.DescribeLogDirsResponse).Dirs {
		if err := kerr.ErrorForCode(dir.ErrorCode); err != nil {
			return 0, fmt.Errorf("node %d: %w", node, err)
		}
		for _, t := range dir.Topics {
			for _, p := range t.Partitions {
				if t.Topic == topic {
					sum += p.Size
				}
			}
		}
	}
	return sum, nil
}

// Controller is whom a node takes for the leader of the metadata quorum.
func (v *View) Controller(ctx context.Context, node int) (int, error) {
	request := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = "__cluster_metadata"
	t.Partitions = append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	request.Topics = append(request.Topics, t)
	response, err := v.ask(ctx, node, request)
	if err != nil {
		return 0, err
	}
	quorum := response.(*kmsg.DescribeQuorumResponse)
	if err := kerr.ErrorForCode(quorum.ErrorCode); err != nil {
		return 0, err
	}
	p := quorum.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		return 0, err
	}
	if p.LeaderID < 1 {
		return 0, fmt.Errorf("node %d knows no controller", node)
	}
	return int(p.LeaderID), nil
}

// UpdateFeature asks a node to raise a feature: code is nil, or why it does not.
func (v *View) UpdateFeature(ctx context.Context, node int, name string, level int16) (code error, message string, err error) {
	request, feature := kmsg.NewPtrUpdateFeaturesRequest(), kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	const upgrade = 1
	feature.Feature, feature.MaxVersionLevel, feature.UpgradeType = name, level, upgrade
	request.FeatureUpdates, request.TimeoutMillis = append(request.FeatureUpdates, feature), int32(askMax.Milliseconds())
	response, err := v.ask(ctx, node, request)
	if err != nil {
		return nil, "", err
	}
	answer := response.(*kmsg.UpdateFeaturesResponse)
	if answer.ErrorMessage != nil {
		message = *answer.ErrorMessage
	}
	return kerr.ErrorForCode(answer.ErrorCode), message, nil
}

// SetTopic asks a node to give a topic's setting a value.
func (v *View) SetTopic(ctx context.Context, node int, topic, name, value string) error {
	request := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource, config := kmsg.NewIncrementalAlterConfigsRequestResource(), kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = name, &value
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	resource.Configs = append(resource.Configs, config)
	request.Resources = append(request.Resources, resource)
	response, err := v.ask(ctx, node, request)
	if err != nil {
		return err
	}
	answer := response.(*kmsg.IncrementalAlterConfigsResponse).Resources[0]
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return fmt.Errorf("%s of %s: %w", name, topic, err)
	}
	return nil
}

// AwaitController returns when all of nodes take the same one for the controller.
func (v *View) AwaitController(ctx context.Context, nodes ...int) (int, error) {
	var controller int
	err := v.await(ctx, func(ctx context.Context) error {
		var known []int
		for _, node := range nodes {
			id, err := v.Controller(ctx, node)
			if err != nil {
				return err
			}
			known = append(known, id)
		}
		if slices.Min(known) != slices.Max(known) {
			return fmt.Errorf("nodes %v take %v for the controller", nodes, known)
		}
		controller = known[0]
		return nil
	})
	return controller, err
}

// AwaitTopic returns when all of nodes know the same of a topic, and it is as holds
// demands, which is nil or what is not so.
func (v *View) AwaitTopic(ctx context.Context, topic string, nodes []int, holds func([]Partition) error) ([]Partition, error) {
	var partitions []Partition
	err := v.await(ctx, func(ctx context.Context) error {
		for i, node := range nodes {
			seen, err := v.Topic(ctx, node, topic)
			switch {
			case err != nil:
				return err
			case i > 0 && fmt.Sprint(seen) != fmt.Sprint(partitions):
				return fmt.Errorf("topic %s: nodes %d and %d differ: %v, %v", topic, nodes[0], node, partitions, seen)
			}
			partitions = seen
		}
		return holds(partitions)
	})
	return partitions, err
}

// Whole demands that every partition is led, and has all of its replicas in sync.
func Whole(partitions []Partition) error {
	for i, p := range partitions {
		if p.Leader < 1 || len(p.ISR) != len(p.Replicas) {
			return fmt.Errorf("partition %d is not whole: %+v", i, p)
		}
	}
	return nil
}

// await asks until there is no error, and returns the last one where time is over.
func (v *View) await(ctx context.Context, ask func(context.Context) error) error {
	return Await(ctx, agreeMax, lookAgain, ask)
}

// Await looks every so often until there is no error, and returns the last one where time is
// over: after atMost, or with ctx.
func Await(ctx context.Context, atMost, every time.Duration, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		err := look(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}
