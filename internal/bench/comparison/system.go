package comparison

import (
	"context"
	"time"

	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// System is a broker of which clusters can be made.
type System interface {
	Describe(ctx context.Context) (report.System, error)
	// Cluster makes nodes on empty directories, none of which runs yet.
	Cluster(ctx context.Context) (Cluster, error)
}

// Cluster is three nodes. Its methods are called one at a time.
type Cluster interface {
	// Bootstrap are the addresses of all nodes.
	Bootstrap() []string
	// Start starts all nodes, and returns how long it was from then until a record was
	// acknowledged, of a topic with a replica on each.
	Start(ctx context.Context) (time.Duration, error)
	// Usage is of all nodes, which run.
	Usage() (Usage, error)
	// Settle returns when what was written is on the disk, and not in memory any more where
	// the system allows that. No shape is to pay for those before it: neither what is still
	// to be written back, nor memory that has to be made free. A virtual machine's may be its
	// host's as well: beyond 14 of 24 GB a page took 7 times as long the first time.
	Settle(ctx context.Context) error
	// LoseLeader kills the leader of a partition, and returns the longest time between
	// two acknowledgements of its records. When it returns, the node is back, and in sync.
	LoseLeader(ctx context.Context) (time.Duration, error)
	// Close ends the nodes and removes what they have written. It may be called in any
	// state.
	Close() error
}

// Usage is what nodes have used until now.
type Usage struct {
	Processor     time.Duration // user and system, all nodes since each was started
	ResidentBytes int64         // memory, of the node that has most
}

// Load loads a cluster with a shape. What it returns has the shape's side of the traffic,
// and the beginning and length of the measured time.
type Load func(ctx context.Context, bootstrap []string, s Shape) (result.Result, error)
