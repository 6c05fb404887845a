package limits

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	streamBytes = 256 << 10 // a write of a busy connection
	pingBytes   = 64        // a small request, or its answer
	// stallMax bounds a connection over loopback that does not move, which only a
	// misguided firewall does.
	stallMax = 10 * time.Second
)

// stream sends in one direction.
func (e Effort) stream(ctx context.Context, into *TCP) error {
	return e.connected(ctx, discard, func(c net.Conn) error {
		block := noise(streamBytes)
		s, err := e.spend(ctx, func() (int, error) { return c.Write(block) })
		into.GBPerSecond, into.NanosPerByte = s.gbPerSecond(), s.nanosPerByte()
		return err
	})
}

// roundTrips sends a little and waits for as much to come back.
func (e Effort) roundTrips(ctx context.Context, into *TCP) error {
	return e.connected(ctx, echo, func(c net.Conn) error {
		ping := make([]byte, pingBytes)
		var took []time.Duration
		_, err := e.spend(ctx, func() (int, error) {
			began := time.Now()
			if _, err := c.Write(ping); err != nil {
				return 0, err
			}
			if _, err := io.ReadFull(c, ping); err != nil {
				return 0, err
			}
			took = append(took, time.Since(began))
			return len(ping), nil
		})
		if err != nil {
			return err
		}
		into.RoundTrip = latency(took)
		return nil
	})
}

// connected runs the two ends of a new connection, and closes it when the near one has
// returned. Both are there before either runs: a busy machine must not find the near one
// done before the far one has begun.
func (e Effort) connected(ctx context.Context, far, near func(net.Conn) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	here, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer here.Close()
	there, err := l.Accept() // it is in the listener's queue
	if err != nil {
		return err
	}
	defer there.Close()
	end := time.Now().Add(e.Each + stallMax)
	if err := errors.Join(here.SetDeadline(end), there.SetDeadline(end)); err != nil {
		return err
	}
	var g errgroup.Group
	g.Go(func() error { return far(there) })
	nearErr := near(here)
	here.Close() // which ends the far one
	if farErr := g.Wait(); nearErr == nil {
		return farErr
	}
	return nearErr // the far end's is what came of it
}

// discard reads what comes. As a broker does it, into a buffer: io.Copy could leave the
// bytes in the kernel.
func discard(c net.Conn) error {
	buffer := make([]byte, streamBytes)
	for {
		if _, err := c.Read(buffer); err != nil {
			return unlessEnd(err)
		}
	}
}

// echo sends pings back.
func echo(c net.Conn) error {
	ping := make([]byte, pingBytes)
	for {
		if _, err := io.ReadFull(c, ping); err != nil {
			return unlessEnd(err)
		}
		if _, err := c.Write(ping); err != nil {
			return err
		}
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
