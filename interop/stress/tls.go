package main

import (
	"crypto/tls"
	"fmt"
	"path/filepath"

	"github.com/chronik/chronik/internal/bench/load"
)

const (
	tlsBytes   = 1024
	tlsCallers = 128
	tlsFloods  = 4 // clients that do not wait
	// tlsBuffered is how many records each of them has under way.
	tlsBuffered = 10_000
	// tlsGiB bounds what a fast disk would be given to keep of each flood.
	tlsGiB = 4
)

// encrypted is the same load in the clear and by TLS, from the same nodes: what differs
// is what TLS costs, to nodes and clients, which share the machine. What nodes send each
// other is in the clear.
func encrypted() scenario {
	return scenario{
		name: "tls",
		what: "records of 1 KiB, in the clear and by TLS",
		prepare: func(s *scene) error {
			keystore := filepath.Join(s.cluster.Dir, "keystore.pem")
			believed, err := makeCertificate(keystore)
			if err != nil {
				return err
			}
			s.secured = &tls.Config{RootCAs: believed, MinVersion: tls.VersionTLS12}
			return s.cluster.Secure(keystore)
		},
		run: func(s *scene) error {
			if err := s.create(topic{name: "tls", partitions: commonPartitions}); err != nil {
				return err
			}
			if err := s.shakeHands(); err != nil {
				return err
			}
			flood := s.plan()
			flood.Async, flood.Clients, flood.Buffered, flood.Shape.Size = true, tlsFloods, tlsBuffered, tlsBytes
			if err := s.bothWays("as fast as they go", flood); err != nil {
				return err
			}
			callers := s.plan()
			callers.Concurrency, callers.Shape.Size = tlsCallers, tlsBytes
			return s.bothWays(fmt.Sprintf("%d callers", tlsCallers), callers)
		},
	}
}

// shakeHands prints what nodes and Go's clients agree on.
func (s *scene) shakeHands() error {
	conn, err := (&tls.Dialer{Config: s.secured}).DialContext(s.ctx, "tcp", s.cluster.Node(1).SecureAddr)
	if err != nil {
		return err
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	s.say("%s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
	return nil
}

// bothWays has a load in the clear and by TLS, and compares. It comes in the clear once
// more: how far that is from the first time is what the machine does by itself, and a
// difference to TLS that is no larger says nothing.
func (s *scene) bothWays(what string, plan load.Plan) error {
	var ways []measured
	for _, way := range []struct {
		name    string
		secured *tls.Config
	}{{"in the clear", nil}, {"by TLS", s.secured}, {"in the clear again", nil}} {
		t := traffic{topic: "tls", plan: plan, secured: way.secured}
		m, err := s.report(what+", "+way.name, t.until(min(s.gib, tlsGiB)*gibi))
		if err != nil {
			return err
		}
		ways = append(ways, m)
	}
	first, secured, again := &ways[0], &ways[1], &ways[2]
	s.say("by TLS %s times the records a second of the first, in the clear again %s times", number(secured.rate()/first.rate()), number(again.rate()/first.rate()))
	s.say("CPU of all nodes a record: %s us in the clear, %s by TLS, %s in the clear again",
		number(first.cpuMicros()), number(secured.cpuMicros()), number(again.cpuMicros()))
	return nil
}

// rate is the records a second.
func (m *measured) rate() float64 { return m.side(0).Rate(m.Seconds) }

// cpuMicros is the nodes' processor time for each record, those of the warm-up included.
func (m *measured) cpuMicros() float64 {
	return m.usage.CPU.Seconds() * 1e6 / float64(m.Ledger.Acknowledged())
}
