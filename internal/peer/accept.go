package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// acceptBackoffMin and acceptBackoffMax bound the pause after a failed accept: out of
// file descriptors, it fails at once for as long as somebody waits.
const (
	acceptBackoffMin = 5 * time.Millisecond
	acceptBackoffMax = time.Second
)

// accept accepts connections until ctx ends; an error is of a listener that somebody
// else has closed.
func (n *Network) accept(ctx context.Context) error {
	var backoff time.Duration
	for {
		conn, err := n.o.Listener.Accept()
		switch {
		case err == nil:
			backoff = 0
			n.admit(conn)
			continue
		case ctx.Err() != nil:
			return nil //nolint:nilerr // Run has closed the listener
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("the listener for other nodes was closed: %w", err)
		}
		if backoff == 0 {
			n.logger.Warn("cannot accept connections of other nodes, trying again", "err", err)
		}
		backoff = min(max(2*backoff, acceptBackoffMin), acceptBackoffMax)
		t := time.NewTimer(backoff)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// admit begins to serve a connection, unless there are too many.
func (n *Network) admit(conn net.Conn) {
	n.mu.Lock()
	full := len(n.mu.conns) >= acceptedMax
	n.mu.Unlock()
	if full || n.keep(conn) != nil {
		hangUp(conn)
		return
	}
	select {
	case n.handshakes <- struct{}{}:
	default:
		n.drop(conn)
		return
	}
	if !n.spawn(func(ctx context.Context) { n.serve(ctx, conn) }) {
		<-n.handshakes
		n.drop(conn)
	}
}

// serve is the life of an accepted connection.
func (n *Network) serve(ctx context.Context, raw net.Conn) {
	defer n.drop(raw)
	conn, h, err := n.introduced(ctx, raw)
	<-n.handshakes
	switch {
	case err != nil:
		n.refused(raw, h, err)
	case h.Purpose == PurposeLink:
		n.serveLink(ctx, conn, h)
	default:
		n.serveStream(ctx, conn, h)
	}
}

// introduced does the acceptor's part of the handshake, up to the verdict: it has sent
// a rejection, and not yet that the connection is accepted.
func (n *Network) introduced(ctx context.Context, conn net.Conn) (net.Conn, Hello, error) {
	deadline := time.Now().Add(handshakeMax)
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, Hello{}, err
	}
	if n.o.TLS != nil {
		secured := tls.Server(conn, n.o.TLS.Server)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, Hello{}, err
		}
		conn = secured
	}
	h, err := readOffer(conn)
	if err == nil {
		if r := n.judge(h); r != nil {
			err = r
		}
	}
	if r, ok := errors.AsType[*Rejection](err); ok {
		if _, err := conn.Write(rejection(r)); err != nil {
			return nil, h, err
		}
	}
	return conn, h, err
}

func (n *Network) judge(h Hello) *Rejection {
	switch {
	case h.To != n.o.Node:
		return wrongNode(n.o.Node, h.To)
	case n.o.Judge != nil:
		return n.o.Judge(h)
	}
	return nil
}

// welcome tells a node that it is accepted.
func (n *Network) welcome(conn net.Conn, h *Hello) error {
	answer := n.hello(h.Purpose, h.Node)
	answer.Protocol = h.Protocol
	if err := answer.check(); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(handshakeMax)); err != nil {
		return err
	}
	if _, err := conn.Write(acceptance(&answer)); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// Rejected nodes try again and again; each reason is logged once in refusedInterval.
const (
	refusedInterval = 10 * time.Second
	refusedMax      = 64
)

func (n *Network) refused(conn net.Conn, h Hello, err error) {
	r, rejected := errors.AsType[*Rejection](err)
	if !rejected {
		n.logger.Debug("a connection to the cluster port was closed", "remote", conn.RemoteAddr().String(), "err", err)
		return
	}
	now := time.Now()
	n.mu.Lock()
	last, known := n.mu.refused[r.Reason]
	quiet := known && now.Sub(last) < refusedInterval
	if !quiet {
		if len(n.mu.refused) >= refusedMax {
			clear(n.mu.refused)
		}
		n.mu.refused[r.Reason] = now
	}
	n.mu.Unlock()
	if !quiet {
		n.logger.Info("A node was not accepted", "node", h.Node, "remote", conn.RemoteAddr().String(), "reason", r.Reason)
	}
}

// seen has a link to a node dial at once: who dials is there.
func (n *Network) seen(node model.NodeID) {
	n.mu.Lock()
	l := n.mu.links[node]
	n.mu.Unlock()
	if l != nil {
		poke(l.seen)
	}
}
