package controller

import (
	"reflect"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// RegisterBroker registers one run of a broker. It voids whatever an earlier run
// led, and elects the broker where nobody else can be (replication.md): the
// broker takes no role before it has applied its registration.
type RegisterBroker struct {
	Node        model.NodeID
	ClusterID   string // "": not known to the broker yet
	Incarnation model.Incarnation
	Directory   model.DirectoryID
	Endpoints   []meta.Endpoint
	Rack        string
	// Fenced: the broker leads nothing before it is unfenced.
	Fenced bool
}

// RegisteredBroker is the result of RegisterBroker.
type RegisteredBroker struct {
	Epoch     model.BrokerEpoch
	ClusterID string
}

// Name implements Command.
func (RegisterBroker) Name() string { return "RegisterBroker" }

// Decide implements Command.
func (c RegisterBroker) Decide(image *meta.Image, env Env) ([]meta.Record, any, error) {
	if err := c.check(image); err != nil {
		return nil, nil, err
	}
	epoch := model.BrokerEpoch(env.Index)
	next := meta.Broker{
		ID: c.Node, Incarnation: c.Incarnation, Epoch: epoch, Directory: c.Directory,
		Endpoints: slices.Clone(c.Endpoints), Rack: c.Rack, Fenced: c.Fenced,
	}
	if old := image.Brokers.ByID(c.Node); old != nil {
		// The answer to the first try may have been lost.
		same := next
		same.Epoch = old.Epoch
		if reflect.DeepEqual(*old, same) {
			return nil, RegisteredBroker{Epoch: old.Epoch, ClusterID: image.ClusterID}, nil
		}
		if old.Epoch >= epoch {
			return nil, nil, wire.Errorf(kerr.DuplicateBrokerRegistration,
				"another process has registered as node %d at the same moment; give each its own node.id", c.Node)
		}
	}
	records := []meta.Record{&meta.RegisterBrokerRecord{Broker: next}}
	records = append(records, electAfter(image, c.Node, c.Fenced)...)
	return records, RegisteredBroker{Epoch: epoch, ClusterID: image.ClusterID}, nil
}

func (c RegisterBroker) check(image *meta.Image) error {
	switch {
	case c.Node < 0:
		return wire.Errorf(kerr.InvalidRegistration, "node id %d is negative", c.Node)
	case c.ClusterID != "" && c.ClusterID != image.ClusterID:
		return wire.Errorf(kerr.InconsistentClusterID, "node %d belongs to cluster %s, this is cluster %s", c.Node, c.ClusterID, image.ClusterID)
	case c.Incarnation.IsZero() || c.Directory.IsZero():
		return wire.Errorf(kerr.InvalidRegistration, "node %d registers without an incarnation or a directory id", c.Node)
	case len(c.Endpoints) == 0:
		return wire.Errorf(kerr.InvalidRegistration, "node %d registers without a listener", c.Node)
	}
	if twice := repeated(c.Endpoints, func(e meta.Endpoint) string { return e.Listener }); len(twice) > 0 {
		return wire.Errorf(kerr.InvalidRegistration, "node %d registers a listener twice", c.Node)
	}
	old := image.Brokers.ByID(c.Node)
	if old == nil || old.Directory == c.Directory {
		return nil
	}
	// What the old directory held is gone, and with it the only copies.
	if topic := hosts(image, c.Node); topic != "" {
		return wire.Errorf(kerr.InvalidRegistration,
			"node %d comes with data directory %s, but holds partitions (of topic %s, for one) in data directory %s; start it with that one",
			c.Node, c.Directory, topic, old.Directory)
	}
	return nil
}

// hosts is the first topic that has a replica on the node; "" where none has.
func hosts(image *meta.Image, node model.NodeID) string {
	for _, t := range image.Topics.Sorted() {
		for i := range t.Partitions {
			if slices.Contains(t.Partitions[i].Replicas, node) {
				return t.Name
			}
		}
	}
	return ""
}
