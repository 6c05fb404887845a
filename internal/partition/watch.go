package partition

// Watch is one who waits for something new in any of several partitions: a
// long-polling fetch. Signals coalesce: after one, look at all of them again.
type Watch struct {
	signal chan struct{} // capacity 1
}

// NewWatch returns a watch that no partition knows yet.
func NewWatch() *Watch { return &Watch{signal: make(chan struct{}, 1)} }

// C receives after a watched partition has changed: its high watermark moved,
// its log start moved, its role changed, or it failed.
func (w *Watch) C() <-chan struct{} { return w.signal }

func (w *Watch) notify() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// Watch has w told of changes until Unwatch.
func (p *Partition) Watch(w *Watch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.watches == nil {
		p.mu.watches = make(map[*Watch]struct{})
	}
	p.mu.watches[w] = struct{}{}
}

// Unwatch ends Watch.
func (p *Partition) Unwatch(w *Watch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.mu.watches, w)
}

func (p *Partition) notifyLocked() {
	for w := range p.mu.watches {
		w.notify()
	}
}
