package replication

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/record"
)

func (n *node) partition(number model.Partition) *partition.Partition {
	n.c.t.Helper()
	p := n.set.Find(topicID, number)
	if p == nil {
		n.c.t.Fatalf("node %d does not have partition %d", n.id, number)
	}
	return p
}

// append appends a batch, whose value is of some size.
func (n *node) append(number model.Partition, value string) partition.Pending {
	n.c.t.Helper()
	b := record.NewBuilder(record.BuildOptions{})
	b.Append(model.TimestampOf(time.Now()), nil, []byte(value))
	pending, err := n.partition(number).Append(b.Build(), partition.Append{Acks: partition.AcksAll, Epoch: model.NoLeaderEpoch})
	if err != nil {
		n.c.t.Fatal(err)
	}
	return pending
}

// produce appends batches, and returns when a quorum has them.
func (n *node) produce(number model.Partition, values ...string) {
	n.c.t.Helper()
	for _, v := range values {
		pending := n.append(number, v)
		n.c.acknowledged(pending)
	}
}

func (c *cluster) acknowledged(pending partition.Pending) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := pending.Wait(ctx); err != nil {
		c.t.Fatal(err)
	}
}

// values are those of all records of a partition that a node has, committed or not.
func (n *node) values(number model.Partition) []string {
	n.c.t.Helper()
	p := n.partition(number)
	var values []string
	for at := p.Offsets().Start; at < p.Offsets().End; {
		read, err := p.Read(partition.Read{
			From: at, MaxBytes: 1 << 20, MinOneBatch: true, Isolation: partition.ReadLogEnd, AnyReplica: true,
			Epoch: model.NoLeaderEpoch, LastEpoch: model.NoLeaderEpoch,
		})
		if err != nil {
			n.c.t.Fatal(err)
		}
		for rest := read.Batches; len(rest) > 0; {
			b, after, err := record.Split(rest)
			if err != nil {
				n.c.t.Fatal(err)
			}
			records, err := b.Records(record.Limits{})
			if err != nil {
				n.c.t.Fatal(err)
			}
			for {
				r, ok, err := records.Next()
				if err != nil {
					n.c.t.Fatal(err)
				}
				if !ok {
					break
				}
				values = append(values, string(r.Value))
			}
			at, rest = b.NextOffset(), after
		}
	}
	return values
}

// alike waits until all nodes hold the same of a partition, and returns it.
func (c *cluster) alike(number model.Partition) []string {
	c.t.Helper()
	var held map[model.NodeID][]string
	same := func() bool {
		held = make(map[model.NodeID][]string)
		var first []string
		for i, n := range c.running() {
			held[n.id] = n.values(number)
			if i == 0 {
				first = held[n.id]
			}
			if !slices.Equal(held[n.id], first) {
				return false
			}
		}
		return true
	}
	if !c.until(same) {
		c.t.Fatalf("the nodes hold %v", held)
	}
	return slices.Collect(maps.Values(held))[0]
}

// until waits, in the bubble's time, until something is so.
func (c *cluster) until(so func() bool) bool {
	for range 60_000 {
		if so() {
			return true
		}
		pass(time.Millisecond)
	}
	return false
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }
