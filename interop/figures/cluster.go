package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/chronik/chronik/interop/cluster"
)

// lookAgain is how long a client of the cluster waits before it tries again.
const lookAgain = time.Millisecond

// withCluster has do measure three nodes on empty directories, of which the first was
// started at began and the others after it.
func withCluster(o options, do func(c *cluster.Cluster, began time.Time) error) (err error) {
	c, err := cluster.Chronik(o.server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(false)) }()
	began := time.Now()
	for _, n := range c.Nodes {
		if err := n.Start(); err != nil {
			return err
		}
	}
	return do(c, began)
}

// route is a client's way to the partition's leader.
type route struct {
	addrs  []string // of all nodes
	next   int      // the one to ask next
	leader net.Conn // nil: not known
}

// produce sends a batch until a leader has acknowledged it, and asks one node after the
// other who that is.
func (r *route) produce(ctx context.Context, batch []byte) error {
	var failure error
	for began := time.Now(); time.Since(began) < startMax; {
		if r.leader == nil {
			failure = r.find()
		}
		if r.leader != nil {
			if failure = produce(r.leader, batch); failure == nil {
				return nil
			}
			r.close()
		}
		if err := wait(ctx, lookAgain); err != nil {
			return err
		}
	}
	return fmt.Errorf("nothing acknowledged in %s: %w", startMax, failure)
}

// find asks the next node who leads, and connects there.
func (r *route) find() error {
	asked, err := net.Dial("tcp", r.addrs[r.next])
	r.next = (r.next + 1) % len(r.addrs)
	if err != nil {
		return err
	}
	defer asked.Close()
	leader, err := locate(asked)
	if err != nil {
		return err
	}
	r.leader, err = net.Dial("tcp", leader)
	if err != nil {
		r.leader = nil
	}
	return err
}

func (r *route) close() {
	if r.leader != nil {
		r.leader.Close()
		r.leader = nil
	}
}
