package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/measure"
	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/internal/bench/verify"
)

// Options are a checked plan and where it is carried out.
type Options struct {
	Plan   Plan
	Client []kgo.Opt // how the cluster is reached
	Topic  string    // which exists, with all its leaders
	Run    uint64    // random: records carry it
	// Starts and Ends are where the topic's partitions start and end before the run.
	Starts, Ends map[int32]int64
	// Early ends the measured time when it is closed; nil never does. What is under way
	// then is still waited for, unless the context ends.
	Early <-chan struct{}
	// Second is told what each second was like, soon after it, by one goroutine; nil: nobody.
	Second func(Second)
}

// Second is one second of the measured time.
type Second struct {
	Number int      // from 0
	Sides  []string // names, in the order of Points
	Points []result.Point
}

// Outcome is what has been measured.
type Outcome struct {
	Started time.Time // of the measured time
	Seconds float64   // how long that was; 0 where it was ended before it began
	Sides   []result.Side
	Ledger  *verify.Ledger // what was acknowledged, the warm-up included
}

// run is a run that is going on.
type run struct {
	Options
	*timekeeper
	names      []string
	collectors []*measure.Collector
	clients    []*kgo.Client
	ledger     *verify.Ledger
	writers    []interface{ run(context.Context) }
	readers    []*reader
	turns      *turns
	closing    sync.Once
}

// Run carries a plan out. The context ends it at once, with what was measured until then.
// An error means that nothing could be.
func Run(ctx context.Context, o Options) (Outcome, error) {
	r := &run{Options: o, timekeeper: newTimekeeper(&o.Plan)}
	defer r.close()
	if err := errorOf(r.openReaders, r.openWriters); err != nil {
		return Outcome{}, err
	}
	defer context.AfterFunc(ctx, r.close)()
	r.began = time.Now() // now that clients and records have been allocated

	var keeping sync.WaitGroup
	keeping.Go(func() { r.keep(ctx, o.Early) })
	keeping.Go(func() { r.watch(ctx) })
	r.work(ctx)
	if o.Plan.Mode == Consume {
		r.finish() // all has been read; who writes may be done before the window is, and waits
	}
	keeping.Wait()

	out := Outcome{Started: r.began.Add(r.window.Start()), Seconds: r.window.Length().Seconds(), Ledger: r.ledger}
	for i, c := range r.collectors {
		out.Sides = append(out.Sides, c.Side(r.names[i]))
	}
	return out, nil
}

func errorOf(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// work has everybody work, and waits for them.
func (r *run) work(ctx context.Context) {
	readable, stopReading := context.WithCancel(ctx)
	defer stopReading()
	var writing, reading sync.WaitGroup
	for _, reader := range r.readers {
		reading.Go(func() { reader.read(readable) })
	}
	for _, w := range r.writers {
		writing.Go(func() { w.run(ctx) })
	}
	switch r.Plan.Mode {
	case Consume:
		read := make(chan struct{})
		go func() {
			reading.Wait()
			close(read)
		}()
		select {
		case <-read:
		case <-r.ended:
			stopReading()
		}
	case Mixed:
		<-r.ended
		stopReading()
	case EndToEnd:
		writing.Wait()
		r.awaitReaders(ctx)
		stopReading()
	case Produce:
	}
	reading.Wait()
	writing.Wait()
	if r.turns != nil {
		r.collectors[0].Errors("due and not sent: all who send were waiting", r.turns.unsent.Load())
	}
}

// arrivalMax is for how long acknowledged records may not arrive at a reader before they
// are given up.
const arrivalMax = 10 * time.Second

// awaitReaders waits until what was acknowledged has been read, and counts as errors what
// does not arrive.
func (r *run) awaitReaders(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	last, since := int64(-1), time.Now()
	for {
		read := int64(0)
		for _, reader := range r.readers {
			read += reader.own.Load()
		}
		left := r.ledger.Acknowledged() - read
		if read != last {
			last, since = read, time.Now()
		}
		if left <= 0 || time.Since(since) > arrivalMax || ctx.Err() != nil {
			r.collectors[1].Errors("acknowledged and not read", left)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// watch tells of each second soon after it.
func (r *run) watch(ctx context.Context) {
	if r.Second == nil {
		return
	}
	const soon = 50 * time.Millisecond // for what was recorded at the second's very end
	timer := newTimer()
	for n := 0; ; n++ {
		over := r.window.Start() + time.Duration(n+1)*time.Second
		timer.Reset(over + soon - r.now())
		select {
		case <-timer.C:
		case <-r.ended:
			if over > r.window.End() {
				return
			}
		case <-ctx.Done():
			return
		}
		s := Second{Number: n, Sides: r.names}
		for _, c := range r.collectors {
			s.Points = append(s.Points, c.Second(n))
		}
		r.Second(s)
	}
}

// side adds a side of the traffic.
func (r *run) side(name string) *measure.Collector {
	c := measure.NewCollector(r.window)
	r.names, r.collectors = append(r.names, name), append(r.collectors, c)
	return c
}

// client makes a client that ends with the run.
func (r *run) client(opts ...kgo.Opt) (*kgo.Client, error) {
	c, err := kgo.NewClient(append(append([]kgo.Opt{}, r.Options.Client...), opts...)...)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	r.clients = append(r.clients, c)
	return c, nil
}

// close closes all clients, which fails what is still under way. It may be called more
// than once, and concurrently.
func (r *run) close() {
	r.closing.Do(func() {
		for _, c := range r.clients {
			c.Close()
		}
	})
}
