package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// run dials where there is something to send, and sends it.
func (l *link) run(ctx context.Context) {
	defer l.end()
	backoff := redialMin
	var log linkLog
	for ctx.Err() == nil {
		if !l.waiting() {
			select {
			case <-l.wake:
			case <-ctx.Done():
			}
			continue
		}
		began := time.Now()
		conn, peer, err := l.n.connect(ctx, l.to, PurposeLink)
		if err == nil {
			log = linkLog{}
			l.n.logger.Info("Connected to a node", "node", l.to, "incarnation", peer.Incarnation, "protocol", peer.Protocol)
			err = l.serve(ctx, conn, peer.Protocol)
		}
		if ctx.Err() != nil {
			return
		}
		log.down(l, err)
		l.setRefused(errors.Is(err, syscall.ECONNREFUSED))
		l.fail(err)
		if time.Since(began) > handshakeMax {
			backoff = redialMin // it was connected, or has waited long enough
		}
		if l.pause(ctx, backoff) {
			backoff = min(2*backoff, redialMax)
		}
	}
}

// linkLog remembers what has been logged since a link was connected: a node that is
// away is dialed often.
type linkLog struct {
	away     bool
	insecure bool
	reasons  map[string]string // of the last rejection at each address
}

// down logs why there is no connection, where that is news.
func (g *linkLog) down(l *link, err error) {
	if r, ok := errors.AsType[*Rejection](err); ok {
		if r.Reason != g.reasons[r.Address] {
			l.n.logger.Warn("A node does not accept this one", "node", l.to, "address", r.Address, "reason", r.Reason)
		}
		if g.reasons == nil {
			g.reasons = make(map[string]string)
		}
		g.reasons[r.Address] = r.Reason
		return
	}
	switch {
	case isTLS(err) && !g.insecure:
		l.n.logger.Warn("One of two nodes does not trust the other's certificate, trying again: each has to be signed by the other's cluster.ssl.ca.file",
			"node", l.to, "err", err)
		g.insecure = true
	case !g.away:
		l.n.logger.Info("Not connected to a node, trying again", "node", l.to, "err", err)
	}
	g.away = true
}

// isTLS: the other was reached, and one of the two did not like what the other showed.
func isTLS(err error) bool {
	_, theirs := errors.AsType[*tls.CertificateVerificationError](err)
	alert, _ := errors.AsType[*net.OpError](err) // how crypto/tls wraps the other side's alert
	return theirs || alert != nil && alert.Op == "remote error"
}

// pause waits for backoff and up to half as much again, so that nodes do not dial in
// step. It returns false where it ends early: the node has been seen, or ctx ended.
func (l *link) pause(ctx context.Context, backoff time.Duration) bool {
	t := time.NewTimer(backoff + rand.N(backoff/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.seen:
	case <-ctx.Done():
	}
	return false
}

// serve writes until the connection ends, and returns why.
func (l *link) serve(ctx context.Context, conn net.Conn, speaks model.Protocol) error {
	l.setConnected(true)
	defer l.setConnected(false)
	ended := make(chan error, 1)
	l.n.running.Go(func() { // this goroutine is one of those waited for
		ended <- l.read(conn)
		l.n.drop(conn)
	})
	err := l.write(ctx, conn, speaks, ended)
	l.n.drop(conn)
	if why := <-ended; err == nil || errors.Is(err, net.ErrClosed) {
		return why
	}
	return err
}

func (l *link) setConnected(connected bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.connected, l.mu.refused = connected, false
}

func (l *link) setRefused(refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.refused = refused
}

// write writes what is queued, and heartbeats. It returns nil where the reader has
// ended, and leaves in the channel why.
func (l *link) write(ctx context.Context, conn net.Conn, speaks model.Protocol, ended chan error) error {
	w := newFrameWriter(conn)
	beat := newBeat()
	defer beat.stop()
	var batch []outgoing
	for {
		batch = l.take(batch[:0], speaks)
		if len(batch) > 0 {
			beat.wrote()
		} else {
			select {
			case <-l.wake:
				continue
			case <-beat.due():
				beat.again()
				if !beat.wanted() {
					continue
				}
				batch = append(batch, outgoing{head: head{typ: frameHeartbeat}})
			case err := <-ended:
				ended <- err
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := l.writeBatch(w, batch); err != nil {
			return err
		}
		clear(batch)
	}
}

func (l *link) writeBatch(w *frameWriter, batch []outgoing) error {
	size := 0
	for i := range batch {
		size += len(batch[i].body)
	}
	err := writeAll(w, batch)
	l.written(size)
	if err != nil {
		dropAll(l, batch)
	}
	return err
}

func writeAll(w *frameWriter, batch []outgoing) error {
	for i := range batch {
		if err := w.frame(batch[i].head, batch[i].body); err != nil {
			return err
		}
	}
	return w.flush()
}

// read takes answers until the connection ends.
func (l *link) read(conn net.Conn) error {
	r := newFrameReader(conn, BodyBytesMax)
	for {
		h, err := r.head()
		if err != nil {
			return err
		}
		switch h.typ {
		case frameHeartbeat:
			continue
		case frameAnswer, frameFailure:
		default:
			return fmt.Errorf("%w: type %d from who was dialed", errFrame, h.typ)
		}
		body, err := r.body(h, nil)
		if err != nil {
			return err
		}
		a := answer{body: body}
		if h.typ == frameFailure {
			a = answer{err: &RemoteError{Node: l.to, Text: string(body)}}
		}
		if !l.answered(h.id, a) {
			return fmt.Errorf("%w: an answer to nothing", errFrame)
		}
	}
}
