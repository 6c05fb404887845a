package api

import (
	"context"
	"fmt"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
)

// producerIDs hands out producer ids from blocks that the controller allocates,
// so that most producers cost no change of metadata.
type producerIDs struct {
	allocate func(context.Context) (controller.ProducerIDs, error)
	// turn is a lock that can be waited for with a context: the holder may be
	// asking the controller.
	turn chan struct{}
	// Guarded by turn: what is left is [first, end).
	first, end model.ProducerID
}

func newProducerIDs(allocate func(context.Context) (controller.ProducerIDs, error)) *producerIDs {
	return &producerIDs{allocate: allocate, turn: make(chan struct{}, 1)}
}

// next is an id that no producer has had.
func (p *producerIDs) next(ctx context.Context) (model.ProducerID, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-p.turn }()
	if p.first == p.end {
		block, err := p.allocate(ctx)
		if err != nil {
			return 0, fmt.Errorf("allocate producer ids: %w", err)
		}
		p.first, p.end = block.First, block.First+model.ProducerID(block.Count)
	}
	id := p.first
	p.first++
	return id, nil
}

// allocateProducerIDs asks the controller for a block, in the name of this
// node's current registration.
func (h *Handler) allocateProducerIDs(ctx context.Context) (controller.ProducerIDs, error) {
	self := h.Image().Brokers.ByID(h.Node)
	if self == nil {
		return controller.ProducerIDs{}, fmt.Errorf("node %d is not registered", h.Node)
	}
	return submit[controller.ProducerIDs](ctx, h.Controller, controller.AllocateProducerIDs{Node: h.Node, Epoch: self.Epoch})
}
