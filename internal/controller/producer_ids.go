package controller

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// producerIDBlock is how many producer ids a broker gets at a time (Kafka's
// number): one change of metadata per thousand producers.
const producerIDBlock = 1000

// AllocateProducerIDs hands a block of producer ids out to a broker, which no
// broker has had before.
type AllocateProducerIDs struct {
	Node  model.NodeID
	Epoch model.BrokerEpoch
}

// ProducerIDs are [First, First+Count).
type ProducerIDs struct {
	First model.ProducerID
	Count int32
}

// Name implements Command.
func (AllocateProducerIDs) Name() string { return "AllocateProducerIDs" }

// Decide implements Command.
func (c AllocateProducerIDs) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	if _, err := registered(image, c.Node, c.Epoch); err != nil {
		return nil, nil, err
	}
	first := image.NextProducerID
	if first > math.MaxInt64-producerIDBlock {
		return nil, nil, wire.Errorf(kerr.UnknownServerError, "all producer ids have been handed out")
	}
	return []meta.Record{&meta.ProducerIDsRecord{Next: first + producerIDBlock, Node: c.Node}},
		ProducerIDs{First: first, Count: producerIDBlock}, nil
}
