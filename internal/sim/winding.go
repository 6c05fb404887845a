package sim

import (
	"time"

	"github.com/chronik/chronik/internal/quorum"
)

// winding is what a process's clock was last set for.
type winding struct {
	began time.Duration // of ticks
	since uint64        // quorum.Machine.TicksAhead's
	set   bool
	count int // how often it was set: what was set before counts no more
}

// wind sets the clock that tells the quorum's machine its ticks, many at once where they
// have nothing to do, as the shell of package quorum does.
func (p *process) wind() {
	ticks, since := p.machine.TicksAhead()
	if p.wound.set && since == p.wound.since && ticks > 0 {
		return
	}
	p.wound.since, p.wound.set = since, ticks > 0
	p.wound.count++
	if ticks == 0 {
		return
	}
	count := p.wound.count
	wait := time.Duration(ticks)*quorum.TickInterval - (p.w.now-p.wound.began)%quorum.TickInterval
	p.w.schedule(wait, p, func() {
		if p.wound.count != count {
			return
		}
		p.wound.set = false
		for range ticks {
			p.machine.Tick()
		}
		p.settle()
	})
}
