package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/chronik/chronik/internal/certificate"
	"github.com/chronik/chronik/internal/model"
)

// handshake carries the TLS handshake out, on the reader's goroutine, and finds out
// who the client is where that showed a certificate; nothing on a plaintext
// listener. crypto/tls bounds what a client can make it hold: 64 KiB a message, 256
// KiB of certificates.
func (c *conn) handshake() *endError {
	secured, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	if err := c.nc.SetDeadline(time.Now().Add(c.server.limits.HandshakeMax)); err != nil {
		return &endError{ClosedByPeer, err}
	}
	if c.server.draining.Load() { // see Server.draining
		return &endError{ClosedDrained, errDrain}
	}
	if err := secured.HandshakeContext(c.ctx); err != nil {
		return c.handshakeEnd(err)
	}
	c.lastRead = time.Now()
	state := secured.ConnectionState()
	if len(state.VerifiedChains) == 0 { // of what nobody verified nothing is believed
		return nil
	}
	who, err := certificatePrincipal(state.PeerCertificates[0])
	if err != nil {
		return &endError{ClosedHandshake, err}
	}
	c.becomeIdentified(who)
	return nil
}

// certificatePrincipal is Kafka's user of a certificate.
func certificatePrincipal(leaf *x509.Certificate) (model.Principal, error) {
	subject, err := certificate.Subject(leaf)
	return model.Principal{Type: "User", Name: subject}, err
}

// handshakeEnd says why a handshake that failed ends the connection. Who hangs up
// in it is no news: load balancers look at a port that way.
func (c *conn) handshakeEnd(err error) *endError {
	strange, isStrange := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && c.server.draining.Load():
		return &endError{ClosedDrained, errDrain}
	case isStrange && strange.Conn != nil: // the very first bytes
		if known := recognise([4]byte(strange.RecordHeader[:4])); known != nil && known.reason == ClosedHTTP {
			return known
		}
		return &endError{ClosedPlaintext, errors.New("not a TLS handshake")}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &endError{ClosedHandshake, fmt.Errorf("no TLS handshake within %v", c.server.limits.HandshakeMax)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), isTransport(err):
		return &endError{ClosedByPeer, err}
	default:
		return &endError{ClosedHandshake, err}
	}
}

// isTransport reports whether an error is of the connection below TLS. TLS's own are
// of the same type: remote error and local error.
func isTransport(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && (e.Op == "read" || e.Op == "write")
}

// goodbyeMax bounds how long TLS may take to say that nothing more comes.
const goodbyeMax = 250 * time.Millisecond

// saysGoodbye reports whether the client is there to hear why a connection ends.
func (r CloseReason) saysGoodbye() bool { return r == ClosedByPeer || r.answersEarlier() }

// goodbye tells a client by TLS that the connection ends in order, without which it
// takes what it has read for cut off. The writer has ended.
func (c *conn) goodbye() {
	secured, ok := c.nc.(*tls.Conn)
	if !ok || !secured.ConnectionState().HandshakeComplete {
		return
	}
	// CloseWrite sets a deadline of its own, of five seconds: by then a client that
	// reads nothing is cut off.
	late := time.AfterFunc(goodbyeMax, func() { _ = c.transport.SetWriteDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	_ = secured.CloseWrite() // it has gone, then
}
