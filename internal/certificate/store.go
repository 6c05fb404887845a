package certificate

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often files are looked at, while there are handshakes: often
// enough for whoever renews a certificate and tries it, and a few system calls.
const lookEvery = 2 * time.Second

// Options are the TLS of a listener.
type Options struct {
	Listener string // its name, for the log
	Identity Identity
	// ClientAuth is tls.NoClientCert, or one of the two that verify certificates,
	// which Trust has the authorities for.
	ClientAuth tls.ClientAuthType
	Trust      Source
	// MinVersion and MaxVersion are the first and the last that are served.
	MinVersion, MaxVersion uint16
}

// Store has the TLS configuration of a listener, and renews it when its files
// change. Nothing runs meanwhile: it is a handshake that looks, if none has for
// lookEvery, and it has the new configuration already.
//
// What cannot be used leaves the configuration as it was, with one warning for each
// state of the files. Its methods may be called concurrently.
type Store struct {
	options Options
	log     *slog.Logger
	current atomic.Pointer[tls.Config]

	look struct {
		sync.Mutex
		last time.Time
		seen []stamp // of files(), when they were last read
	}
}

// Open reads the files, and fails where they cannot be used.
func Open(o Options, log *slog.Logger) (*Store, error) {
	s := &Store{options: o, log: log}
	s.look.last, s.look.seen = time.Now(), s.stamps()
	config, err := o.load()
	if err != nil {
		return nil, fmt.Errorf("listener %s: %w", o.Listener, err)
	}
	s.current.Store(config)
	return s, nil
}

// Config is what the listener's connections begin with.
func (s *Store) Config() *tls.Config {
	return &tls.Config{
		MinVersion: s.options.MinVersion,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s.maybeRenew()
			return s.current.Load(), nil
		},
	}
}

// load makes a configuration of what the files have now.
func (o *Options) load() (*tls.Config, error) {
	identity, err := o.Identity.Load()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{
		Certificates: []tls.Certificate{identity},
		ClientAuth:   o.ClientAuth,
		MinVersion:   o.MinVersion, MaxVersion: o.MaxVersion,
		// A resumed session would speak for a certificate that was verified against
		// the authorities of then. Clients of Kafka keep their connections: there is
		// little to be saved.
		SessionTicketsDisabled: true,
	}
	if o.ClientAuth != tls.NoClientCert {
		if c.ClientCAs, err = o.Trust.Authorities(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *Store) stamps() []stamp {
	all := []stamp{s.options.Identity.Chain.stamp(), s.options.Identity.Key.stamp()}
	if s.options.ClientAuth != tls.NoClientCert {
		all = append(all, s.options.Trust.stamp())
	}
	return all
}

// maybeRenew reads the files again where they have changed.
func (s *Store) maybeRenew() {
	if !s.look.TryLock() {
		return // another handshake is at it
	}
	defer s.look.Unlock()
	if now := time.Now(); now.Sub(s.look.last) >= lookEvery {
		s.look.last = now
		s.renewLocked()
	}
}

func (s *Store) renewLocked() {
	// Looked at before they are read: what changes in between is read again.
	stamps := s.stamps()
	if slices.EqualFunc(stamps, s.look.seen, stamp.same) {
		return
	}
	s.look.seen = stamps
	config, err := s.options.load()
	if err != nil {
		s.log.Warn("Cannot use the changed certificates, and goes on with those before", "listener", s.options.Listener, "error", err)
		return
	}
	s.current.Store(config)
	s.log.Info("Has read the changed certificates", "listener", s.options.Listener)
}
