package replication

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// How long an inlet waits before it dials a node again that it could not reach.
const (
	redialMin = 10 * time.Millisecond
	redialMax = 500 * time.Millisecond
)

// smallFrameBytes is how much of small messages goes into one frame.
const smallFrameBytes = 256 << 10

// inlet is this node's stream to a leader's: acknowledgements go out, data comes in.
type inlet struct {
	streams *Streams
	leader  model.NodeID
	out     *outlet
	sender  sender
	logger  *slog.Logger
}

func newInlet(s *Streams, leader model.NodeID) *inlet {
	in := &inlet{streams: s, leader: leader, out: newOutlet(), logger: s.options.Logger.With("leader", leader)}
	in.sender.gather = func(frame []byte, bytesMax int) []byte { return in.out.appendTo(frame, min(smallFrameBytes, bytesMax)) }
	return in
}

// run keeps a stream open, as long as the node leads something that this one
// follows, until ctx ends.
func (in *inlet) run(ctx context.Context) {
	wait := redialMin
	for ctx.Err() == nil {
		if !in.needed() {
			select {
			case <-in.out.signal: // a position
			case <-ctx.Done():
			}
			wait = redialMin
			continue
		}
		stream, err := in.streams.options.Dial(ctx, in.leader)
		if err == nil {
			began := time.Now()
			err = in.follow(ctx, stream)
			if time.Since(began) > redialMax {
				wait = redialMin
			}
		}
		if ctx.Err() != nil {
			return
		}
		in.logger.Debug("replication stream is down", "error", err)
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
		}
		wait = min(2*wait, redialMax)
	}
}

// needed reports whether the node leads anything that this one holds.
func (in *inlet) needed() bool {
	for p := range in.streams.options.Partitions.All() {
		if p.State().Leader == in.leader {
			return true
		}
	}
	return false
}

// follow reads a stream until it ends.
func (in *inlet) follow(ctx context.Context, stream Stream) error {
	in.out.clear()
	in.sender.begin(stream)
	ctx, cancel := context.WithCancel(ctx)
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer stream.Close() // ends the reading too
		in.write(ctx)
	}()
	defer func() {
		cancel()
		stream.Close() // or the writer might wait for a leader that does not read
		<-written
		in.sender.begin(nil)
	}()
	for p := range in.streams.options.Partitions.All() {
		p.Reconnect(in.leader)
	}
	var buffer []byte
	for {
		frame, err := stream.Read(buffer)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := in.receive(frame); err != nil {
			in.logger.Warn("Replication stream given up; it begins again", "error", err)
			return err
		}
		buffer = frame[:0]
		if cap(buffer) > bufferBytesMax {
			buffer = nil
		}
	}
}

func (in *inlet) receive(frame []byte) error {
	for len(frame) > 0 {
		e, rest, err := nextEntry(frame)
		if err != nil {
			return err
		}
		if p := in.streams.options.Partitions.Find(e.topic, e.partition); p != nil {
			p.Receive(in.leader, e.message, e.batches)
			in.streams.options.Received(len(e.batches))
			if len(e.batches) > 0 && p.ThrottledHere() {
				in.streams.options.ReceivedThrottled(len(e.batches))
			}
		}
		frame = rest
	}
	return nil
}

// write sends what is queued, until ctx ends or it cannot.
func (in *inlet) write(ctx context.Context) {
	for {
		select {
		case <-in.out.signal:
		case <-ctx.Done():
			return
		}
		if _, err := in.sender.send(); err != nil {
			return
		}
	}
}

// push sends what partitions have for the leader, after put has been told that the
// caller would.
func (in *inlet) push() {
	if !in.sender.trySend() {
		in.out.notify()
	}
}
