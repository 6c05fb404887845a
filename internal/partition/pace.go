package partition

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/settings"
)

// moveRate is how fast logs move to other directories, all together.
const moveRate = "replica.alter.log.dirs.io.max.bytes.per.second"

const unlimited = math.MaxInt64

// pace holds what moves to a rate, which may change at any time.
type pace struct {
	mu             sync.Mutex
	bytesPerSecond int64
	next           time.Time     // when more may be copied
	changed        chan struct{} // closed when the rate changes
}

// wait counts bytes that were copied, and returns when more may be.
func (p *pace) wait(ctx context.Context, bytes int) error {
	p.mu.Lock()
	if p.bytesPerSecond == unlimited {
		p.mu.Unlock()
		return ctx.Err()
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	if p.bytesPerSecond > 0 {
		p.next = p.next.Add(time.Duration(float64(bytes) / float64(p.bytesPerSecond) * float64(time.Second)))
	}
	delay, changed := time.Until(p.next), p.changed
	stopped := p.bytesPerSecond == 0
	p.mu.Unlock()
	var due <-chan time.Time
	if !stopped {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-changed:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (p *pace) set(bytesPerSecond int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytesPerSecond == bytesPerSecond {
		return
	}
	p.bytesPerSecond, p.next = bytesPerSecond, time.Time{}
	close(p.changed)
	p.changed = make(chan struct{})
}

// setPace takes the rate from the settings.
func (s *Set) setPace(image *meta.Image) {
	e, ok := settings.Layers{
		Broker:        image.Configs.Of(meta.Resource{Type: meta.BrokerResource, Name: strconv.Itoa(int(s.node))}),
		BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
		Static:        s.options.Static,
	}.BrokerSetting(moveRate)
	if !ok {
		panic("partition: BUG: no setting is called " + moveRate)
	}
	rate, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil {
		s.logger.Error("A setting cannot be used; the old value stays in force", "setting", moveRate, "error", err)
		return
	}
	s.pace.set(rate)
}
