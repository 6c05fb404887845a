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
// is what TLS costs, to nodes and clients. They share the machine, and both encrypt.
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

// bothWays has a load in the clear and by TLS, and compares.
func (s *scene) bothWays(what string, plan load.Plan) error {
	enough := min(s.gib, tlsGiB) * gibi
	plain, err := s.report(what+", in the clear", traffic{topic: "tls", plan: plan}.until(enough))
	if err != nil {
		return err
	}
	secured, err := s.report(what+", by TLS", traffic{topic: "tls", plan: plan, secured: s.secured}.until(enough))
	if err != nil {
		return err
	}
	s.say("by TLS %s times the records a second; CPU of all nodes %s us a record, and %s in the clear",
		number(secured.side(0).Rate(secured.Seconds)/plain.side(0).Rate(plain.Seconds)), number(secured.cpuMicros()), number(plain.cpuMicros()))
	return nil
}

// cpuMicros is the nodes' processor time for each record, those of the warm-up included.
func (m *measured) cpuMicros() float64 {
	return m.usage.CPU.Seconds() * 1e6 / float64(m.Ledger.Acknowledged())
}
