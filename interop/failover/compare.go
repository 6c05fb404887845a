package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// written is a topic of a trial that has ended, with what the clients were told; the
// index of a ledger is its partition. Created are the topics made meanwhile.
type written struct {
	topic   string
	ledgers []*ledger
	created []string
}

const (
	// keepTopics is how many topics are kept: what is written in one trial has that many
	// more to survive, and no trial has to do with very many.
	keepTopics = 20
	// readBackMax bounds how long one topic is read back.
	readBackMax = time.Minute
)

// readBack reads the oldest topics until no more than keep are left, compares them with
// what was acknowledged, and deletes those that are as they should be.
func (r *run) readBack(ctx context.Context, keep int) error {
	ctx, cancel := context.WithTimeout(ctx, readBackMax)
	defer cancel()
	var problems []error
	for len(r.done) > keep {
		w := r.done[0]
		r.done = r.done[1:]
		before := len(problems)
		for partition, l := range w.ledgers {
			records, err := r.janitor.read(ctx, w.topic, int32(partition))
			if err != nil {
				return errors.Join(append(problems, err)...)
			}
			acks, failures := l.all()
			r.acknowledged, r.read = r.acknowledged+len(acks), r.read+len(records)
			for _, why := range append(compare(acks, records), failures...) {
				problems = append(problems, fmt.Errorf("%s-%d: %s", w.topic, partition, why))
			}
		}
		if len(problems) > before {
			continue
		}
		deleted, err := r.janitor.DeleteTopics(ctx, append(w.created, w.topic)...)
		if err := errors.Join(err, deleted.Error()); err != nil {
			return fmt.Errorf("delete what has been compared: %w", err)
		}
	}
	return errors.Join(problems...)
}

// compareLinesMax is how many problems of one partition are told.
const compareLinesMax = 10

// compare says what is wrong with a partition: a record that was acknowledged and is not
// there, or elsewhere than was said; one that is there twice, or before one that was sent
// earlier.
func compare(acks []ack, records []stored) []string {
	var wrong []string
	say := func(format string, args ...any) {
		if len(wrong) < compareLinesMax {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	at := make(map[int64]int64, len(records))
	last := int64(-1)
	for _, r := range records {
		first, twice := at[r.number]
		switch {
		case r.number < 0:
			say("offset %d has a value that nobody sent", r.offset)
		case twice:
			say("record %d is doubled, at offsets %d and %d", r.number, first, r.offset)
		case r.number < last:
			say("record %d, at offset %d, comes after %d", r.number, r.offset, last)
		}
		if !twice {
			at[r.number] = r.offset
		}
		last = max(last, r.number)
	}
	for _, a := range acks {
		offset, found := at[a.number]
		switch {
		case !found:
			say("record %d, acknowledged at offset %d at %s, is lost", a.number, a.offset, clock(a.at))
		case offset != a.offset:
			say("record %d, acknowledged at offset %d, is at %d", a.number, a.offset, offset)
		}
	}
	return wrong
}
