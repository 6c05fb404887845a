package exchange

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lookAgain is how long is waited before the next try.
const lookAgain = time.Millisecond

// Route is a client's way to the leader of a topic's first partition.
type Route struct {
	Addrs  []string // of all nodes
	Topic  string
	TryMax time.Duration // for how long one thing is tried

	next   int      // the one to ask next
	leader net.Conn // nil: not known
}

// Create makes the topic, of one partition with replicas on some nodes, of which the first
// is preferred as the leader. That it is there is no error.
func (r *Route) Create(ctx context.Context, replicas ...int) error {
	assigned := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	for _, node := range replicas {
		assigned.Replicas = append(assigned.Replicas, int32(node))
	}
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = r.Topic, -1, -1
	t.ReplicaAssignment = append(t.ReplicaAssignment, assigned)
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Version, request.TimeoutMillis = 5, int32(Max.Milliseconds())
	request.Topics = append(request.Topics, t)
	return r.try(ctx, func() error {
		conn, err := r.dialNext()
		if err != nil {
			return err
		}
		defer conn.Close()
		response, err := Ask[*kmsg.CreateTopicsResponse](conn, request)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(response.Topics[0].ErrorCode); !errors.Is(err, kerr.TopicAlreadyExists) {
			return err
		}
		return nil
	})
}

// Produce sends a batch until a leader has acknowledged it, and asks one node after the
// other who that is.
func (r *Route) Produce(ctx context.Context, batch []byte) error {
	return r.try(ctx, func() error {
		if r.leader == nil {
			if err := r.Find(); err != nil {
				return err
			}
		}
		err := Produce(r.leader, r.Topic, batch)
		if err != nil {
			r.Close()
		}
		return err
	})
}

// try repeats something until there is no error.
func (r *Route) try(ctx context.Context, do func() error) error {
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	var failure error
	for began := time.Now(); time.Since(began) < r.TryMax; {
		if failure = do(); failure == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), failure)
		}
	}
	return fmt.Errorf("topic %s: not in %s: %w", r.Topic, r.TryMax, failure)
}

// Find asks the next node who leads, and connects there.
func (r *Route) Find() error {
	asked, err := r.dialNext()
	if err != nil {
		return err
	}
	defer asked.Close()
	addr, err := Locate(asked, r.Topic)
	if err != nil {
		return err
	}
	leader, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	r.leader = leader
	return nil
}

func (r *Route) dialNext() (net.Conn, error) {
	addr := r.Addrs[r.next]
	r.next = (r.next + 1) % len(r.Addrs)
	return net.Dial("tcp", addr)
}

// Leader is where the connection to the leader goes, once there is one.
func (r *Route) Leader() net.Addr { return r.leader.RemoteAddr() }

// Close closes the connection to the leader. The route can go on, and looks for it anew.
func (r *Route) Close() {
	if r.leader != nil {
		r.leader.Close()
		r.leader = nil
	}
}
