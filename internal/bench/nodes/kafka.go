package nodes

import (
	"context"

	"github.com/chronik/chronik/internal/bench/comparison"
	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/install"
	"github.com/chronik/chronik/interop/kafka"
)

// Kafka is Apache Kafka's broker and controller in one process.
type Kafka struct {
	tools *kafka.Tools
}

// InstallKafka gets Kafka, unless the cache directory has it.
func InstallKafka(ctx context.Context, cache string) (Kafka, error) {
	place, err := install.NewPlace(cache)
	if err != nil {
		return Kafka{}, err
	}
	tools, err := kafka.Install(ctx, place)
	return Kafka{tools: tools}, err
}

// Describe says which release it is.
func (k Kafka) Describe(context.Context) (report.System, error) {
	release, err := k.tools.Release()
	return report.System{
		Name: "Kafka", Version: release,
		About: "three combined nodes (KRaft) with defaults and 1 GiB of heap each: a record is in the page cache of every node that acknowledges it",
	}, err
}

// Cluster makes nodes on formatted directories.
func (k Kafka) Cluster(ctx context.Context) (comparison.Cluster, error) {
	nodes, err := cluster.Kafka(ctx, k.tools)
	return three(nodes, err)
}
