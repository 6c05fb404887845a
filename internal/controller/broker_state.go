package controller

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// FenceBroker takes a broker's leaderships away, all in one entry, until it is
// unfenced.
type FenceBroker struct {
	Node  model.NodeID
	Epoch model.BrokerEpoch
}

// UnfenceBroker lets a broker lead again. It has applied its registration, and
// with it found and synced what its earlier runs have left.
type UnfenceBroker struct {
	Node  model.NodeID
	Epoch model.BrokerEpoch
}

// BrokerChanged is the result of FenceBroker, UnfenceBroker and UnregisterBroker.
type BrokerChanged struct{}

// Name implements Command.
func (FenceBroker) Name() string { return "FenceBroker" }

// Name implements Command.
func (UnfenceBroker) Name() string { return "UnfenceBroker" }

// Decide implements Command.
func (c FenceBroker) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	return setFenced(image, c.Node, c.Epoch, true)
}

// Decide implements Command.
func (c UnfenceBroker) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	return setFenced(image, c.Node, c.Epoch, false)
}

func setFenced(image *meta.Image, node model.NodeID, epoch model.BrokerEpoch, fenced bool) ([]meta.Record, any, error) {
	b, err := registered(image, node, epoch)
	if err != nil {
		return nil, nil, err
	}
	if b.Fenced == fenced {
		return nil, BrokerChanged{}, nil
	}
	// Unfence first, then elect; elect nobody first, then fence: only the
	// whole has to be consistent, but the log reads better.
	change := &meta.BrokerChangeRecord{ID: node, Epoch: epoch, Fenced: fenced, Leaving: b.Leaving}
	elections := electAfter(image, node, fenced)
	if fenced {
		return append(elections, change), BrokerChanged{}, nil
	}
	return append([]meta.Record{change}, elections...), BrokerChanged{}, nil
}

// registered is a broker whose newest registration is of an epoch.
func registered(image *meta.Image, node model.NodeID, epoch model.BrokerEpoch) (*meta.Broker, error) {
	b := image.Brokers.ByID(node)
	if b == nil {
		return nil, notRegistered(node)
	}
	if b.Epoch != epoch {
		return nil, wire.Errorf(kerr.StaleBrokerEpoch, "broker %d is registered with epoch %d, not %d", node, b.Epoch, epoch)
	}
	return b, nil
}

func notRegistered(node model.NodeID) *wire.Error {
	return wire.Errorf(kerr.BrokerIDNotRegistered, "No broker with id %d found.", node)
}
