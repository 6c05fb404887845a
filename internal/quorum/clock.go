package quorum

import "time"

// clock tells the machine its ticks: many at once where each by itself would do
// nothing, since every wake-up of an idle process costs it. It is the loop's.
//
// Ticks are at TickInterval from each other whenever they are told. Counted from when the
// leader was heard of last, all nodes would call elections at the same moments.
type clock struct {
	timer *time.Timer // nil: it does not run
	began time.Time   // of the first tick
	ticks int         // are told when it goes off
	since uint64      // Machine.TicksAhead's, when it was set
}

// due goes off when ticks are to be told; never where the machine needs none.
func (c *clock) due(m *Machine) <-chan time.Time {
	ticks, since := m.TicksAhead()
	switch {
	case ticks == 0:
		c.stop()
		return nil
	case c.timer == nil || since != c.since:
		c.set(ticks, since)
	}
	return c.timer.C
}

// tell tells the ticks for which the clock went off, unless they do not count any
// more, and sets it anew.
func (c *clock) tell(m *Machine) {
	ticks, since := m.TicksAhead()
	if since == c.since {
		for range c.ticks {
			m.Tick()
		}
		ticks, since = m.TicksAhead()
	}
	c.set(ticks, since)
}

func (c *clock) set(ticks int, since uint64) {
	c.ticks, c.since = ticks, since
	if c.began.IsZero() {
		c.began = time.Now()
	}
	wait := time.Duration(ticks)*TickInterval - time.Since(c.began)%TickInterval
	if c.timer == nil {
		c.timer = time.NewTimer(wait)
	} else {
		c.timer.Reset(wait)
	}
}

func (c *clock) stop() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}
