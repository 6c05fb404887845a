package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"time"
)

// Options is what New needs.
type Options struct {
	Listeners []Listen
	Handler   Handler
	Limits    Limits // DefaultLimits, changed where settings say so
	Logger    *slog.Logger
}

// Protocol is a listener's security protocol, by Kafka's name for it.
type Protocol string

// The protocols that are served.
const (
	Plaintext Protocol = "PLAINTEXT" // TCP without encryption, and without authentication
	SSL       Protocol = "SSL"       // TLS, by Kafka's name; authenticates clients that show a certificate
)

// Listen is one listener.
type Listen struct {
	Name     string // such as PLAINTEXT or INTERNAL
	Address  string // host:port to bind; port 0 lets the system choose
	Protocol Protocol
	TLS      *tls.Config // what connections of an SSL listener begin with; nil of others
	// Listener is used instead of Address where the caller has one already. The
	// server owns it from Bind on.
	Listener net.Listener
}

// Limits bounds what clients can make the server hold. Each has Kafka's name
// where Kafka has it.
type Limits struct {
	// FrameBytesMax bounds a request (socket.request.max.bytes).
	FrameBytesMax int
	// FirstFrameBytesMax bounds a request of a connection that has not shown
	// who it is (sasl.server.max.receive.size).
	FirstFrameBytesMax int
	// RequestMemoryBytesMax bounds the buffers of all requests that are being
	// read or answered (queued.max.request.bytes). One frame at a time may
	// exceed it, see budget.
	RequestMemoryBytesMax int64
	// RequestMemoryWaitMax is how long a frame may wait for memory before its
	// connection is closed. It breaks what fair order cannot: frames holding
	// half of what they need, waiting for a reply that waits for one of them.
	RequestMemoryWaitMax time.Duration
	// ConnectionsMax bounds the connections of all listeners (max.connections).
	ConnectionsMax int
	// ConnectionsPerIPMax bounds those of one address (max.connections.per.ip),
	// ConnectionsPerIPOverrides those of particular ones
	// (max.connections.per.ip.overrides).
	ConnectionsPerIPMax       int
	ConnectionsPerIPOverrides map[netip.Addr]int
	// PipelineMax bounds the requests of one connection that are read but not
	// answered. Kafka answers one at a time; pipelining lets the batches of one
	// producer share a disk sync, and more than 32 gained nothing.
	PipelineMax int
	// IdleMax closes a connection on which nothing was read or written for so
	// long, and on which no request waits (connections.max.idle.ms). Negative:
	// never.
	IdleMax time.Duration
	// FrameStallMax is how long a frame that has begun may go without a byte,
	// and FrameBytesPerSecondMin the rate it must keep up beyond that: a byte
	// now and then is not progress.
	FrameStallMax          time.Duration
	FrameBytesPerSecondMin int
	// HandshakeMax is how long a TLS handshake may take in all.
	HandshakeMax time.Duration
	// WriteStallMax is how long a client may take to receive the next
	// writeChunkBytes of its responses.
	WriteStallMax time.Duration
	// DrainMax is how long requests in flight may take to be answered after the
	// server was told to stop.
	DrainMax time.Duration
}

// DefaultLimits returns Kafka's defaults, and where Kafka has no such limit (or
// sets none by default) what a broker of any size can bear.
func DefaultLimits() Limits {
	return Limits{
		FrameBytesMax:          100 << 20,
		FirstFrameBytesMax:     512 << 10,
		RequestMemoryBytesMax:  256 << 20,
		RequestMemoryWaitMax:   30 * time.Second,
		ConnectionsMax:         math.MaxInt32,
		ConnectionsPerIPMax:    math.MaxInt32,
		PipelineMax:            32,
		IdleMax:                10 * time.Minute,
		FrameStallMax:          30 * time.Second,
		FrameBytesPerSecondMin: 8 << 10,
		HandshakeMax:           15 * time.Second,
		WriteStallMax:          30 * time.Second,
		DrainMax:               3 * time.Second,
	}
}

func (o *Options) validate() error {
	if o.Handler == nil || o.Logger == nil {
		return errors.New("server: a Handler and a Logger are needed")
	}
	if len(o.Listeners) == 0 {
		return errors.New("listeners: at least one is needed")
	}
	names := make(map[string]bool, len(o.Listeners)) // with their addresses: a listener may have several
	for _, l := range o.Listeners {
		switch {
		case l.Name == "":
			return fmt.Errorf("listeners: the listener at %q has no name", l.Address)
		case names[l.Name+" "+l.Address]:
			return fmt.Errorf("listeners: %s is given twice for %s", l.Name, l.Address)
		case l.Protocol != Plaintext && l.Protocol != SSL:
			return fmt.Errorf("listener.security.protocol.map: listener %s: protocol %q is not served, only PLAINTEXT and SSL are", l.Name, l.Protocol)
		case (l.Protocol == SSL) != (l.TLS != nil):
			return fmt.Errorf("server: listener %s: an SSL listener, and no other, needs a TLS configuration", l.Name)
		}
		names[l.Name+" "+l.Address] = true
		if l.Listener != nil {
			continue
		}
		if _, _, err := net.SplitHostPort(l.Address); err != nil {
			return fmt.Errorf("listeners: %s: %q is not host:port: %w", l.Name, l.Address, err)
		}
	}
	return o.Limits.validate()
}

func (l *Limits) validate() error {
	positive := [...]struct {
		name  string
		value int64
	}{
		{"socket.request.max.bytes", int64(l.FrameBytesMax)},
		{"sasl.server.max.receive.size", int64(l.FirstFrameBytesMax)},
		{"queued.max.request.bytes", l.RequestMemoryBytesMax},
		{"request memory wait", int64(l.RequestMemoryWaitMax)},
		{"max.connections", int64(l.ConnectionsMax)},
		{"pipelined requests", int64(l.PipelineMax)},
		{"frame stall time", int64(l.FrameStallMax)},
		{"frame bytes per second", int64(l.FrameBytesPerSecondMin)},
		{"handshake time", int64(l.HandshakeMax)},
		{"write stall time", int64(l.WriteStallMax)},
		{"drain time", int64(l.DrainMax)},
	}
	for _, p := range positive {
		if p.value <= 0 {
			return fmt.Errorf("%s must be greater than 0, is %d", p.name, p.value)
		}
	}
	if l.FrameBytesMax > math.MaxInt32 {
		return fmt.Errorf("socket.request.max.bytes must be at most %d, is %d", math.MaxInt32, l.FrameBytesMax)
	}
	// Kafka allows 0 here: nobody but the overrides may connect.
	if l.ConnectionsPerIPMax < 0 {
		return fmt.Errorf("max.connections.per.ip must not be negative, is %d", l.ConnectionsPerIPMax)
	}
	if l.IdleMax == 0 {
		return errors.New("connections.max.idle.ms must not be 0")
	}
	return nil
}
