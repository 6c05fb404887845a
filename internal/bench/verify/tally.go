package verify

import (
	"math/bits"

	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/result"
)

// tally is what has been read of a run so far.
type tally struct {
	run    uint64
	bytes  int // of each value
	ledger *Ledger
	seen   []bitmap // a page each
	found  result.Verified
}

func newTally(run uint64, bytes int, l *Ledger) *tally {
	return &tally{run: run, bytes: bytes, ledger: l, seen: make([]bitmap, len(l.pages))}
}

// add counts a record. Intact ones of other runs are none of ours.
func (t *tally) add(key, value []byte) {
	if !payload.Intact(key, value) {
		t.found.Read++
		t.found.Damaged++
		return
	}
	stamp, _ := payload.ReadStamp(value)
	if stamp.Run != t.run {
		return
	}
	t.found.Read++
	page, sent := t.ledger.numbered(stamp.Sequence)
	if !sent || len(value) != t.bytes {
		t.found.Damaged++ // whole, and yet nothing that was sent
		return
	}
	i := stamp.Sequence / page.step
	seen := &t.seen[page.first]
	if seen.has(i) {
		t.found.Duplicated++
		return
	}
	seen.set(i)
}

// result is the comparison, after everything has been read.
func (t *tally) result() result.Verified {
	v := t.found
	v.Acknowledged = t.ledger.Acknowledged()
	for p, page := range t.ledger.pages {
		for word, acknowledged := range page.acknowledged {
			var seen uint64
			if word < len(t.seen[p]) {
				seen = t.seen[p][word]
			}
			v.Missing += int64(bits.OnesCount64(acknowledged &^ seen))
		}
	}
	return v
}
