package main

import (
	"slices"
	"sync"
	"time"
)

// ack is that a record was acknowledged.
type ack struct {
	number, offset int64
	at             time.Time
}

// ledger is what one client has been told of the records that it sent to one
// partition, numbered from 0.
type ledger struct {
	mu struct {
		sync.Mutex
		acks     []ack
		failures []string
	}
}

func (l *ledger) acknowledged(number, offset int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.acks = append(l.mu.acks, ack{number: number, offset: offset, at: at})
}

func (l *ledger) failed(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.failures = append(l.mu.failures, why)
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.acks)
}

// all are the acknowledgements in the order in which they came, and what failed.
func (l *ledger) all() (acks []ack, failures []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.mu.acks), slices.Clone(l.mu.failures)
}

// longestGap is the longest time between two acknowledgements of which the later
// came after from.
func longestGap(acks []ack, from time.Time) time.Duration {
	var longest time.Duration
	for i := 1; i < len(acks); i++ {
		if acks[i].at.After(from) {
			longest = max(longest, acks[i].at.Sub(acks[i-1].at))
		}
	}
	return longest
}
