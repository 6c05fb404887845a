// Package verify compares what a run was told with what is there: which records were
// acknowledged, in a Ledger that is filled meanwhile, and a reading of everything
// afterwards. A Page belongs to one caller at a time; nothing else may be used
// concurrently.
package verify

// Ledger is what was acknowledged. Record numbers are dealt out to pages in turn: page p of
// n has p, p+n, p+2n …, so that callers that go equally fast number their records without
// gaps, and share nothing.
type Ledger struct {
	pages []*Page
}

// Page is a caller's part of a ledger.
type Page struct {
	first, step  uint64
	next         uint64
	acknowledged bitmap
	count        int64
}

// NewLedger makes a ledger of so many pages, 1 or more.
func NewLedger(pages int) *Ledger {
	l := &Ledger{pages: make([]*Page, pages)}
	for i := range l.pages {
		l.pages[i] = &Page{first: uint64(i), step: uint64(pages), next: uint64(i)}
	}
	return l
}

// Page is one of the pages, from 0.
func (l *Ledger) Page(i int) *Page { return l.pages[i] }

// Acknowledged is how many records have been.
func (l *Ledger) Acknowledged() int64 {
	n := int64(0)
	for _, p := range l.pages {
		n += p.count
	}
	return n
}

// Next is a number for the caller's next record.
func (p *Page) Next() uint64 {
	n := p.next
	p.next += p.step
	return n
}

// Acknowledge takes down that a record of this page was acknowledged. It may be called by
// another goroutine than Next, but by one at a time.
func (p *Page) Acknowledge(sequence uint64) {
	p.acknowledged.set(sequence / p.step)
	p.count++
}

// numbered reports whether a record of this number was ever sent, and by which page.
func (l *Ledger) numbered(sequence uint64) (*Page, bool) {
	p := l.pages[sequence%uint64(len(l.pages))]
	return p, sequence < p.next
}

// bitmap is a set of small numbers, and grows with them.
type bitmap []uint64

func (b *bitmap) set(i uint64) {
	for uint64(len(*b)) <= i/64 {
		*b = append(*b, 0)
	}
	(*b)[i/64] |= 1 << (i % 64)
}

func (b bitmap) has(i uint64) bool {
	return i/64 < uint64(len(b)) && b[i/64]>>(i%64)&1 == 1
}
