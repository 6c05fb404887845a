// Package controller decides on changes of the cluster's metadata: a command
// and the image it meets become records and a result. One file an area.
//
// All of it is pure: no clock, disk, socket, goroutine or lock; the time, and
// where ids come from, are in Env. Commands are plain values that can be
// serialised. The package imports meta, isr, plant, settings, wire and model; it knows
// nothing of the log that makes its records durable (package quorum).
package controller

import (
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// Command is a change that somebody asks for.
type Command interface {
	// Name is what the command is called in logs and in the metadata log.
	Name() string
	// Decide returns the records that carry the command out on the image, and
	// the answer to give once they are committed. It changes nothing. The
	// records fit the image and leave it consistent; they are applied together
	// or not at all. An error refuses the whole command and is a *wire.Error;
	// errors of single items are in the result.
	Decide(image *meta.Image, env Env) (records []meta.Record, result any, err error)
}

// Env is what a decision may look at besides the image.
type Env struct {
	Now time.Time
	// Index is where in the metadata log the records will stand.
	Index uint64
	// NewID makes ids of topics.
	NewID func() model.UUID
	// Partitions and ReplicationFactor are num.partitions and
	// default.replication.factor, for who asks for -1.
	Partitions        int32
	ReplicationFactor int16
	// Voters are those of the metadata quorum.
	Voters []model.NodeID
	// Heard are the metadata versions that a broker's run has said it supports; zero where
	// it was not heard of. Nil: nobody is ever heard of.
	Heard func(model.NodeID, model.BrokerEpoch) meta.Range
}
