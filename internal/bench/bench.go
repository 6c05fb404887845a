// Package bench carries out one benchmark: it opens the topic, has internal/bench/load load
// it, reads back what was acknowledged where that was asked for, and compares the figures
// with what is required of them. Everything that a user is told is in terms of
// chronik-bench's flags.
package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/machine"
	"github.com/chronik/chronik/internal/bench/requirement"
	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/internal/bench/target"
	"github.com/chronik/chronik/internal/bench/verify"
)

// run is a run of checked options.
type run struct {
	Options
	reach  []kgo.Opt
	target *target.Target
	number uint64 // random: records carry it
	before map[int32]int64
}

// Run carries checked options out. Where it fails after something was measured, there is a
// result as well as an error; a result that is not as required is no error, but Held's. The
// context ends everything at once.
func Run(ctx context.Context, o Options) (found *result.Result, err error) {
	r := &run{
		Options: o,
		reach:   []kgo.Opt{kgo.SeedBrokers(o.Servers...), kgo.ClientID("chronik-bench")},
		number:  rand.Uint64(),
	}
	if o.TLS != nil {
		r.reach = append(r.reach, kgo.DialTLSConfig(o.TLS))
	}
	opening, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := closed(o.Early, func() { cancel(errors.New("interrupted before anything was measured")) })
	defer stop()
	if r.target, err = target.Open(opening, r.reach, target.Spec{
		Servers: strings.Join(o.Servers, ","), Topic: o.Topic,
		Partitions: o.Partitions, Replication: o.Replication, Create: o.Plan.Produces(),
	}); err != nil {
		return nil, orCause(opening, err)
	}
	defer r.target.Close()
	if r.target.Created && o.Delete {
		// What has been interrupted is tidied up as well.
		defer func() { err = errors.Join(err, r.target.Delete(context.WithoutCancel(ctx))) }()
	}
	outcome, err := r.load(ctx, opening)
	if err != nil {
		return nil, orCause(opening, err)
	}
	return r.judge(ctx, outcome)
}

// closed calls f once a channel is closed, until stop is called.
func closed(c <-chan struct{}, f func()) (stop func()) {
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-c:
			f()
		case <-stopped:
		}
	}()
	return func() {
		close(stopped)
		<-ended
	}
}

// orCause is why a context has ended, if it has, since all errors follow from that.
func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// measured is what load has returned, and its circumstances.
type measured struct {
	load.Outcome
	machine result.Machine
}

// load loads the topic.
func (r *run) load(ctx, opening context.Context) (measured, error) {
	if r.Plan.Transactional {
		served, err := r.target.ServesTransactions(opening)
		if err != nil {
			return measured{}, err
		}
		if !served {
			return measured{}, errors.New("--transactional: not all brokers of this cluster serve transactions; leave it out, or use --idempotent")
		}
	}
	starts, err := r.target.Starts(opening)
	if err != nil {
		return measured{}, err
	}
	if r.before, err = r.target.Ends(opening); err != nil {
		return measured{}, err
	}
	if r.Plan.Mode == load.Consume && maps.Equal(starts, r.before) {
		return measured{}, fmt.Errorf("--topic %s: there is nothing in it to read; produce first", r.Topic)
	}
	r.announce()
	m := measured{machine: machine.Look()}
	o := load.Options{Plan: r.Plan, Client: r.reach, Topic: r.Topic, Run: r.number, Starts: starts, Ends: r.before, Early: r.Early}
	if r.Second != nil {
		o.Second = func(s load.Second) { r.Second(s.Number, s.Sides, s.Points) }
	}
	m.Outcome, err = load.Run(ctx, o)
	m.machine.LoadEnd = machine.Load()
	switch {
	case err != nil:
		return m, err
	case m.Seconds > 0:
		return m, nil
	case r.Plan.Mode == load.Consume && ctx.Err() == nil:
		return m, errors.New("--warm-up: everything was read before the measured time began; choose a shorter one, or produce more")
	default:
		return m, errors.New("ended before the measured time began")
	}
}

// announce says what is about to be done.
func (r *run) announce() {
	c := r.target.Cluster
	there := "is there"
	if r.target.Created {
		there = "was created"
	}
	r.note(fmt.Sprintf("topic %s %s: partitions %d, replicas %d, brokers %d", c.Topic, there, c.Partitions, c.Replication, c.Brokers))
	r.note(fmt.Sprintf("%s: %s of warm-up, then %s", r.Plan.Mode, r.Plan.WarmUp, r.Plan.Duration))
}

func (r *run) note(text string) {
	if r.Note != nil {
		r.Note(text)
	}
}

// judge makes a result of what was measured, and says what it is worth.
func (r *run) judge(ctx context.Context, m measured) (*result.Result, error) {
	found := &result.Result{
		Name: r.Name, Started: m.Started, Seconds: m.Seconds, WarmUp: r.Plan.WarmUp.Seconds(),
		Settings: r.Settings, Machine: m.machine, Cluster: r.target.Cluster, Sides: m.Sides,
	}
	if r.Verify {
		r.note("reading back what was acknowledged")
		v, err := r.readBack(ctx, m.Ledger)
		if err != nil {
			return found, fmt.Errorf("--verify: %w", err)
		}
		found.Verified = &v
	}
	required, err := requirement.Check(r.Required, found)
	found.Required = required
	if err == nil && found.Sides[0].Records == 0 {
		err = errors.New("not one record in the measured time")
	}
	return found, err
}

// readBack compares what was acknowledged with what is there.
func (r *run) readBack(ctx context.Context, l *verify.Ledger) (result.Verified, error) {
	after, err := r.ends(ctx)
	if err != nil {
		return result.Verified{}, err
	}
	return verify.ReadBack(ctx, verify.Reading{
		Client: r.reach, Topic: r.Topic, From: r.before, To: after, Run: r.number, Bytes: r.Plan.Shape.Size,
	}, l)
}

// ends is where partitions end. What one replica alone has acknowledged may still be on its
// way to the others, and clients are not shown it yet: there it is what does not change
// for a second.
func (r *run) ends(ctx context.Context) (map[int32]int64, error) {
	ends, err := r.target.Ends(ctx)
	if err != nil || r.Plan.Acks == -1 || r.target.Cluster.Replication == 1 {
		return ends, err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		last := ends
		if ends, err = r.target.Ends(ctx); err != nil || maps.Equal(ends, last) {
			return ends, err
		}
	}
}
