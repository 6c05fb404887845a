package storage

import (
	"sort"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// cleanTxns tells the cleaner, as it reads batches in order, which belong to
// aborted transactions, and which end markers have nothing left to end. As
// Kafka's CleanedTransactionMetadata.
type cleanTxns struct {
	upcoming  []abortedTxn                      // by first offset, descending: the next is the last
	aborted   map[model.ProducerID]*abortedSeen // open at this point, to be aborted
	committed map[model.ProducerID]bool         // open, and batches of it have been seen
}

type abortedSeen struct {
	abortedTxn
	seen bool // a batch of it has been read
}

// newCleanTxns takes the aborted transactions of the stretch that will be read.
func newCleanTxns(list []abortedTxn) *cleanTxns {
	sort.Slice(list, func(i, j int) bool { return list[i].first > list[j].first })
	return &cleanTxns{upcoming: list, aborted: map[model.ProducerID]*abortedSeen{}, committed: map[model.ProducerID]bool{}}
}

func (t *cleanTxns) reach(offset model.Offset) {
	for n := len(t.upcoming); n > 0 && t.upcoming[n-1].first <= offset; n-- {
		a := t.upcoming[n-1]
		t.aborted[a.producer] = &abortedSeen{abortedTxn: a}
		t.upcoming = t.upcoming[:n-1]
	}
}

// data notes a data batch and tells whether it was aborted.
func (t *cleanTxns) data(b record.Batch) bool {
	t.reach(b.LastOffset())
	if !b.Attributes().Transactional() {
		return false
	}
	if a, ok := t.aborted[b.ProducerID()]; ok {
		a.seen = true
		return true
	}
	t.committed[b.ProducerID()] = true
	return false
}

// marker notes a control batch. void: it ends nothing that is still in the log.
// Where it ends an aborted transaction that has batches yet, that is returned,
// for the index of the cleaned segment.
func (t *cleanTxns) marker(b record.Batch) (void bool, ended *abortedTxn) {
	t.reach(b.LastOffset())
	m, ok, err := markerOf(b)
	switch {
	case err != nil:
		return false, nil
	case !ok:
		return b.Count() == 0, nil // of another kind it stays
	case m.abort:
		a, open := t.aborted[b.ProducerID()]
		delete(t.aborted, b.ProducerID())
		if open && a.seen {
			return false, &a.abortedTxn
		}
		return true, nil
	}
	open := t.committed[b.ProducerID()]
	delete(t.committed, b.ProducerID())
	return !open, nil
}
