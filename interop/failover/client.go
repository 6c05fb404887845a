package main

import (
	"context"
	"time"
)

const (
	// sendEvery is the time between two records: short against any gap of interest, and
	// long enough that the nodes are not busy.
	sendEvery = 5 * time.Millisecond
	// steadyAcks are as many acknowledgements as come in half a second. What was under
	// way when a node died is less.
	steadyAcks = 100
)

// client produces to one partition at a time.
type client interface {
	name() string
	// produce begins to send to a partition, and has the ledger told.
	produce(topic string, partition int, to *ledger) error
	// settled is from when on it asks the nodes at once about what has changed, as far as
	// is known now.
	settled() time.Time
	// outOfDate is whether, since a moment, it has come upon a connection to another
	// node than that one which was at its end already, since a strike before: a client
	// that listens only when it has asked learns of it only then, and waits its backoff
	// whatever the nodes do.
	outOfDate(since time.Time, struck int) bool
	// stop ends sending, and returns when every record has been acknowledged or failed.
	stop(ctx context.Context) error
	// createTopic returns when there is a topic of that name, however often it has to try.
	createTopic(ctx context.Context, topic string) error
	close()
}
