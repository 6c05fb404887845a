package throttle

import (
	"math"
	"time"
)

// Unlimited is the rate of who has none: Kafka's default.
const Unlimited = math.MaxInt64

const (
	// payMax is the longest that anybody waits for what was sent to be paid for.
	payMax = 10 * time.Second
	// credit is how much of the time in which nothing was sent may be made up for: an
	// alarm goes off a little late.
	credit = 100 * time.Millisecond
)

// How much may go at a time: what the rate has in a tenth of a second, within bounds. Less
// costs more messages, and more is a burst.
const (
	pieceBytesMin = 16 << 10
	pieceBytesMax = 1 << 20
	pieces        = 10 // a second
)

// bucket is a rate and what was sent of it.
type bucket struct {
	rate int64 // bytes a second
	// paid is when all that was sent is paid for: there is room from then on.
	paid time.Time
}

// piece is about how many bytes may go at a time.
func (b *bucket) piece() int {
	return int(min(max(b.rate/pieces, pieceBytesMin), pieceBytesMax))
}

func (b *bucket) room(now time.Time) bool { return !b.paid.After(now) }

// spend counts bytes that were sent.
func (b *bucket) spend(bytes int, now time.Time) {
	if b.rate == Unlimited {
		return
	}
	if earliest := now.Add(-credit); b.paid.Before(earliest) {
		b.paid = earliest
	}
	b.pay(float64(bytes), now)
}

// pay has so many bytes paid for after what is to be paid for before.
func (b *bucket) pay(bytes float64, now time.Time) {
	took := payMax
	if b.rate > 0 {
		// In seconds: as nanoseconds the quotient may be beyond what a Duration holds.
		took = time.Duration(min(bytes/float64(b.rate), payMax.Seconds()) * float64(time.Second))
	}
	b.paid = b.paid.Add(took)
	if latest := now.Add(payMax); b.paid.After(latest) {
		b.paid = latest
	}
}

// set gives the bucket another rate, at which what is owed is paid from now on.
func (b *bucket) set(rate int64, now time.Time) {
	if rate == b.rate {
		return
	}
	owed := 0.0
	if left := b.paid.Sub(now); left > 0 && b.rate != Unlimited {
		owed = left.Seconds() * float64(b.rate)
	}
	b.rate = rate
	if !b.paid.After(now) {
		return
	}
	b.paid = now
	if owed > 0 && rate != Unlimited {
		b.pay(owed, now)
	}
}
