package controller

import (
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// LeaveBroker begins a broker's controlled shutdown: it gives up what others can
// lead. What only it can lead it leads until it is gone. Given again, it gives up
// what others have become able to lead since.
type LeaveBroker struct {
	Node  model.NodeID
	Epoch model.BrokerEpoch
}

// Name implements Command.
func (LeaveBroker) Name() string { return "LeaveBroker" }

// Decide implements Command.
func (c LeaveBroker) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	b, err := registered(image, c.Node, c.Epoch)
	if err != nil {
		return nil, nil, err
	}
	var records []meta.Record
	if !b.Leaving {
		records = append(records, &meta.BrokerChangeRecord{ID: c.Node, Epoch: c.Epoch, Fenced: b.Fenced, Leaving: true})
	}
	for t, i := range ledForHeirs(image, c.Node) {
		records = append(records, &meta.PartitionChangeRecord{Topic: t.ID, Index: i, Elect: true, Leader: model.NoNode})
	}
	return records, BrokerChanged{}, nil
}
