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
// returned.
func (e Effort) connected(ctx context.Context, far, near func(net.Conn) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.Go(func() error {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		defer c.Close()
		return far(c)
	})
	nearErr := e.dialled(ctx, l.Addr().String(), near)
	_ = l.Close() // for one that waits for what never came
	farErr := g.Wait()
	if nearErr != nil {
		return nearErr // the far end's is what came of it
	}
	return farErr
}

func (e Effort) dialled(ctx context.Context, addr string, do func(net.Conn) error) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(e.Each + stallMax)); err != nil {
		return err
	}
	return do(c)
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
