package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/chronik/chronik/internal/model"
)

const (
	// probeHold is how long a probe's connection has to last.
	probeHold = 250 * time.Millisecond
	// probePause is between two tries.
	probePause = 2 * time.Millisecond
)

// Probe connects to a node's newest address and hangs up. nil: somebody listens there, a
// hanging process perhaps; ErrRefused: nobody does; else there was no answer.
//
// The kernel of a process that was killed closes its connections and its listener one
// after another. Who has just seen the one end finds the other still open, as often as
// not, and a moment later loses the connection that was accepted for nobody: that is
// no answer, and is looked at again.
func (n *Network) Probe(ctx context.Context, node model.NodeID) error {
	known := n.o.Addresses(node)
	if len(known) == 0 {
		return fmt.Errorf("probe node %d: its address is not known", node)
	}
	address := known[0]
	for {
		conn, err := n.dial(ctx, address)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return fmt.Errorf("probe node %d: %w: %w", node, ErrRefused, err)
		case err != nil && ctx.Err() == nil && errors.Is(err, syscall.ECONNRESET): // as below, a moment earlier
		case err != nil:
			return fmt.Errorf("probe node %d: %w", node, err)
		case lasts(ctx, conn):
			return nil
		}
		select {
		case <-time.After(probePause):
		case <-ctx.Done():
			return fmt.Errorf("probe node %d: its connections do not last: %w", node, ctx.Err())
		}
	}
}

// lasts reports whether a connection is still there after probeHold, and closes it. The
// other side waits for a greeting, for longer than that.
func lasts(ctx context.Context, conn net.Conn) bool {
	defer conn.Close()
	until := time.Now().Add(probeHold)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	if err := conn.SetReadDeadline(until); err != nil {
		return false
	}
	_, err := conn.Read(make([]byte, 1))
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded)
}
