//go:build linux

package load

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/interop/faults/history"
)

// Options say what is loaded, and where it is written down.
type Options struct {
	Bootstrap  []string
	Topic      string
	Partitions int32
	Group      string
	History    *history.Recorder
	// Java is the command of the Java clients; its arguments are appended.
	Java []string
	// Log is a file for what the Java clients complain of.
	Log string
}

const (
	// producers of franz-go; Java's comes on top.
	producers = 3
	// readers read from the leaders; the second begins anew now and then.
	readerAgain = 15 * time.Second
	// requestMax is how long a broker may be silent before a client looks for another.
	requestMax = 4 * time.Second
	// finishMax is how long producers may take for what is under way, once there are no
	// more faults. The Java client gives a record up after two minutes, delivery.timeout.ms.
	finishMax     = 60 * time.Second
	javaFinishMax = 3 * time.Minute
)

// client makes a client of franz-go, with what all share.
func (o Options) client(opts ...kgo.Opt) (*kgo.Client, error) {
	shared := []kgo.Opt{
		kgo.SeedBrokers(o.Bootstrap...),
		kgo.DialTimeout(2 * time.Second),
		kgo.RequestTimeoutOverhead(requestMax),
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MetadataMaxAge(5 * time.Second),
	}
	return kgo.NewClient(append(shared, opts...)...)
}

// Load is all clients at work.
type Load struct {
	o       Options
	java    *java
	writers *phase
	others  *phase
}

// phase is goroutines that end together.
type phase struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	err     error
}

func newPhase(ctx context.Context) (*phase, context.Context) {
	p := &phase{}
	ctx, p.cancel = context.WithCancel(ctx)
	return p, ctx
}

func (p *phase) start(do func() error) {
	p.running.Go(func() {
		err := do()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.err = errors.Join(p.err, err)
	})
}

// end has the goroutines end, and waits for them.
func (p *phase) end() error {
	p.cancel()
	p.running.Wait()
	return p.err
}

// Start starts all clients. They go on until Stop is called.
func Start(ctx context.Context, o Options) (*Load, error) {
	j, err := startJava(o)
	if err != nil {
		return nil, err
	}
	l := &Load{o: o, java: j}
	var writing, reading context.Context
	l.writers, writing = newPhase(ctx)
	l.others, reading = newPhase(ctx)
	for n := range producers {
		p := newProducer(o, n+1)
		l.writers.start(func() error { return p.run(writing) })
	}
	l.others.start(func() error { return newReader(o, "reader-1", 0).run(reading) })
	l.others.start(func() error { return newReader(o, "reader-2", readerAgain).run(reading) })
	l.others.start(func() error { return newMember(o, "member-go").run(reading) })
	l.others.start(func() error { return wander(reading, o) })
	l.others.start(func() error { return observe(reading, o) })
	return l, nil
}

// Stop has producers finish what is under way, and then ends all clients. What does not
// come to an end in time is in the history as pending.
func (l *Load) Stop() error {
	err := l.writers.end()
	err = errors.Join(err, l.java.stop())
	return errors.Join(err, l.others.end())
}

// pause waits a moment before something is tried again, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
