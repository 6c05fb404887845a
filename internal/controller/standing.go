package controller

import (
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Standing is what an image tells of one run of a broker.
type Standing int

// A run is registered with the epoch that is the index of its registration in the metadata
// log. Every image is of what was committed up to some index, and an epoch that was replaced
// or removed never comes back. So Replaced and Removed are true for ever, whoever says so,
// however old the image is, and without a proof of leadership; the other two are of the
// image's moment.
const (
	// Undecided: the image ends before the registration, or the run has none yet.
	Undecided Standing = iota
	Registered
	Replaced // by another run
	Removed  // and no other run has registered
)

// StandingOf finds the standing of the run of a node that has registered with an epoch;
// 0: it has not.
func StandingOf(image *meta.Image, node model.NodeID, epoch model.BrokerEpoch) Standing {
	if epoch <= 0 || uint64(epoch) > image.Index {
		return Undecided
	}
	switch b := image.Brokers.ByID(node); {
	case b == nil:
		return Removed
	case b.Epoch != epoch:
		return Replaced
	}
	return Registered
}
