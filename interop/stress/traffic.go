package main

import (
	"crypto/tls"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/output"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/internal/bench/target"
	"github.com/chronik/chronik/internal/bench/verify"
	"github.com/chronik/chronik/interop/stress/meter"
)

const (
	// warmUp is for connections to be made and buffers to grow.
	warmUp = 5 * time.Second
	// recordBytes is the size of values where the size does not matter.
	recordBytes = 256
	// asLongAsItTakes is for what ends by itself.
	asLongAsItTakes = 24 * time.Hour
)

// plan is one caller of idempotent records that wait for all in-sync replicas.
func (o *options) plan() load.Plan {
	return load.Plan{
		Mode: load.Produce, WarmUp: warmUp, Duration: o.length, Concurrency: 1, Clients: 1, Buffered: 1,
		Acks: -1, Idempotent: true, InFlight: 1, DeliveryTimeout: time.Minute,
		Compression: "none", Partitioner: "sticky",
		Shape: payload.Shape{Size: recordBytes, Pattern: payload.Random},
	}
}

// traffic is what goes to a topic or comes from it.
type traffic struct {
	topic string
	plan  load.Plan
	// secured is the TLS that it takes; nil: none.
	secured *tls.Config
	// early ends what is measured when it is closed; nil: nothing does.
	early <-chan struct{}
	// second is told of each second; nil: nobody.
	second func(load.Second)
}

// measured is traffic that has been.
type measured struct {
	traffic
	load.Outcome
	usage  meter.Usage // zero where it was not metered
	run    uint64
	before map[int32]int64 // where partitions ended
}

// side is one of the traffic's, by its place in the mode's list.
func (m *measured) side(i int) *result.Side { return &m.Sides[i] }

// servers are the nodes' addresses, by TLS or not.
func (s *scene) servers(secured *tls.Config) []string {
	if secured != nil {
		return s.cluster.SecureAddrs()
	}
	return s.cluster.Addrs()
}

// reach is how clients get to the nodes.
func (s *scene) reach(secured *tls.Config) []kgo.Opt {
	reach := []kgo.Opt{kgo.SeedBrokers(s.servers(secured)...), kgo.ClientID("stress")}
	if secured != nil {
		reach = append(reach, kgo.DialTLSConfig(secured))
	}
	return reach
}

// reached is the topic of traffic, seen the way that the traffic takes.
func (s *scene) reached(t *traffic) (*target.Target, error) {
	servers := strings.Join(s.servers(t.secured), ",")
	return target.Open(s.ctx, s.reach(t.secured), target.Spec{Servers: servers, Topic: t.topic})
}

// measure carries traffic, and meters the nodes.
func (s *scene) measure(t traffic) (measured, error) {
	if err := s.meter.Begin(); err != nil {
		return measured{}, err
	}
	m, err := s.carry(t)
	if err != nil {
		return m, err
	}
	m.usage, err = s.meter.Usage()
	return m, err
}

// carry carries traffic. It may be called concurrently.
func (s *scene) carry(t traffic) (measured, error) {
	m := measured{traffic: t, run: rand.Uint64()}
	if err := t.plan.Check(); err != nil {
		return m, err
	}
	to, err := s.reached(&t)
	if err != nil {
		return m, err
	}
	defer to.Close()
	starts, err := to.Starts(s.ctx)
	if err != nil {
		return m, err
	}
	if m.before, err = to.Ends(s.ctx); err != nil {
		return m, err
	}
	progress := output.NewProgress(s.progress, int(sayEvery.Seconds()))
	m.Outcome, err = load.Run(s.ctx, load.Options{
		Plan: t.plan, Client: s.reach(t.secured), Topic: t.topic, Run: m.run, Starts: starts, Ends: m.before, Early: t.early,
		Second: func(second load.Second) {
			progress.Second(second.Number, second.Sides, second.Points)
			if t.second != nil {
				t.second(second)
			}
		},
	})
	if err == nil {
		err = s.ctx.Err()
	}
	return m, err
}

// readBack reads what traffic has written, and holds the cluster to what it has
// acknowledged.
func (s *scene) readBack(m *measured) (*result.Verified, error) {
	var v result.Verified
	err := s.step("read back "+m.topic, func() error {
		to, err := s.reached(&m.traffic)
		if err != nil {
			return err
		}
		defer to.Close()
		after, err := to.Ends(s.ctx)
		if err != nil {
			return err
		}
		v, err = verify.ReadBack(s.ctx, verify.Reading{
			Client: s.reach(m.secured), Topic: m.topic, From: m.before, To: after, Run: m.run, Bytes: m.plan.Shape.Size,
		}, m.Ledger)
		return err
	})
	if err != nil {
		return nil, err
	}
	if v.Missing+v.Damaged+v.Duplicated > 0 {
		s.breakPromise("%s: %d records missing, %d damaged, %d there more than once", m.topic, v.Missing, v.Damaged, v.Duplicated)
	}
	if m.side(0).Records == 0 {
		s.breakPromise("%s: not one record was acknowledged", m.topic)
	}
	return &v, nil
}

// report measures traffic, reads it back, and prints it as a row.
func (s *scene) report(what string, t traffic) (measured, error) {
	m, err := s.announce(what, t)
	if err != nil {
		return m, err
	}
	return m, s.conclude(what, &m)
}

// announce measures traffic, and says so before.
func (s *scene) announce(what string, t traffic) (measured, error) {
	s.note("%s: %s of warm-up, then %s at most", what, t.plan.WarmUp, t.plan.Duration)
	return s.measure(t)
}

// conclude reads back what was measured, and prints it.
func (s *scene) conclude(what string, m *measured) error {
	v, err := s.readBack(m)
	if err != nil {
		return err
	}
	s.row(what, m, v)
	return nil
}

// until is traffic that ends when so many bytes have been acknowledged.
func (t traffic) until(bytes float64) traffic {
	enough := make(chan struct{})
	sum := 0.0
	t.early = enough
	t.second = func(second load.Second) {
		before := sum
		sum += float64(second.Points[0].Bytes)
		if before < bytes && sum >= bytes {
			close(enough)
		}
	}
	return t
}
