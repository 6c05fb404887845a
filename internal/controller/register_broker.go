package controller

import (
	"net/netip"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// RegisterBroker registers one run of a broker. It voids whatever an earlier run
// led, and elects the broker where nobody else can be (replication.md): the
// broker takes no role before it has applied its registration.
//
// A data directory other than the last, or none that is known, is an emptied disk:
// the broker is marked lost in every in-sync set that names it. It is not taken
// out of them. Of {1,2,3}, with a record committed by 1 and 3, an emptied 3 that
// left the set would let 2 be elected alone, by {1,2}'s one answer.
type RegisterBroker struct {
	Node        model.NodeID
	ClusterID   string // "": not known to the broker yet
	Incarnation model.Incarnation
	Directory   model.DirectoryID
	Endpoints   []meta.Endpoint
	// ClusterAddress is as in meta.Broker.
	ClusterAddress string `json:",omitempty"`
	Rack           string
	// Fenced: the broker leads nothing before it is unfenced.
	Fenced bool
	// Previous is the epoch of the node's newest registration as the broker knows it;
	// 0: of none. A run registers in place of that one only. So what a run sent before
	// it died, and what arrives twice, cannot take the place of a later run.
	Previous model.BrokerEpoch
	// Unclean: since the last run that has registered, the machine has gone down
	// without having stopped the broker in order: what was not synced is lost.
	Unclean bool
	Relaxed bool // as in meta.Broker
	// Supports are the metadata versions that the run knows; zero of a build of release
	// 0.1, which knows the first, and to a controller of that build, which refuses what it
	// does not know.
	Supports meta.Range `json:",omitzero"`
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
		Relaxed: c.Relaxed, UnsyncedSince: epoch,
	}
	if image.Version >= meta.Version2 {
		next.Supports, next.ClusterAddress = c.Supports, c.ClusterAddress
	}
	old := image.Brokers.ByID(c.Node)
	if old != nil {
		switch {
		case old.Incarnation == c.Incarnation:
			// The answer to the first try may have been lost.
			return nil, RegisteredBroker{Epoch: old.Epoch, ClusterID: image.ClusterID}, nil
		case old.Epoch != c.Previous:
			return nil, nil, wire.Errorf(kerr.DuplicateBrokerRegistration,
				"another run of node %d has registered, with epoch %d; if another process has this node.id, give each its own", c.Node, old.Epoch)
		}
		// What earlier runs have left unsynced stays so until this one has
		// recovered the logs, for which unfencing stands.
		next.UnsyncedSince, next.RelaxedBefore = old.UnsyncedSince, old.Relaxed || old.RelaxedBefore
	}
	records := []meta.Record{&meta.RegisterBrokerRecord{Broker: next}}
	records = append(records, c.partitions(image, old)...)
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
	case !c.supports().Contains(max(image.Version, meta.Oldest)):
		return wire.Errorf(kerr.UnsupportedVersion, "node %d knows %s, and %s is in force: start a build there that knows it, such as release %s",
			c.Node, c.supports(), image.Version, image.Version.Since())
	case len(c.Endpoints) == 0:
		return wire.Errorf(kerr.InvalidRegistration, "node %d registers without a listener", c.Node)
	}
	if twice := repeated(c.Endpoints, func(e meta.Endpoint) string { return e.Listener }); len(twice) > 0 {
		return wire.Errorf(kerr.InvalidRegistration, "node %d registers a listener twice", c.Node)
	}
	invalid := func(p netip.Prefix) bool { return !p.IsValid() || p.Addr().Is4In6() }
	if slices.ContainsFunc(c.Endpoints, func(e meta.Endpoint) bool { return slices.ContainsFunc(e.Candidates, invalid) }) {
		return wire.Errorf(kerr.InvalidRegistration, "node %d registers an address that is none", c.Node)
	}
	return nil
}

// since implements grown.
func (c RegisterBroker) since() model.Protocol {
	if !c.Supports.IsZero() || c.ClusterAddress != "" {
		return model.Protocol2
	}
	return model.Protocol1
}

// before implements grown. Where the controller is of release 0.1, so is the metadata
// version, which all builds know.
func (c RegisterBroker) before(p model.Protocol) Command {
	if p <= model.Protocol2 {
		c.Supports, c.ClusterAddress = meta.Range{}, ""
	}
	return c
}

func (c RegisterBroker) supports() meta.Range {
	if c.Supports.IsZero() {
		return meta.FirstRange
	}
	return c.Supports
}
