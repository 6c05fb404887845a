package replication

import (
	"context"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/throttle"
)

// frameBytes is how much of data goes into one frame, unless one batch alone is
// larger; bufferBytesMax is how large a buffer is kept.
const (
	frameBytes     = 1 << 20
	bufferBytesMax = 4 << 20
)

// markDelay is how long a high watermark waits for batches that it can go along
// with. Under load it costs no message of its own then; and only readers of a
// follower, and the next leader, learn of it as much later.
const markDelay = 5 * time.Millisecond

// feeds is a follower's stream at its leader's: data goes out, acknowledgements
// come in.
type feeds struct {
	streams  *Streams
	follower model.NodeID
	stream   Stream
	out      *outlet // Diverged, Agreed
	sender   sender
	marks    *time.Timer
	ended    chan struct{} // closed when run has returned

	mu struct {
		sync.Mutex
		window
		// crowded: something came while the follower had not acknowledged all it was sent.
		crowded bool
		// marked are feeds that have a high watermark to send, and wait for marks.
		marked []*feed
		early  map[earlyKey]replica.Message // newest positions of partitions that are not open yet
	}
}

func newFeeds(s *Streams, follower model.NodeID, stream Stream) *feeds {
	f := &feeds{streams: s, follower: follower, stream: stream, out: newOutlet(), ended: make(chan struct{})}
	f.mu.window = newWindow()
	f.mu.early = make(map[earlyKey]replica.Message)
	f.sender.gather = func(frame []byte, bytesMax int) []byte {
		if frame == nil {
			frame = make([]byte, 0, frameBytes+frameBytes/8)
		}
		return f.gather(f.out.appendTo(frame, min(smallFrameBytes, bytesMax)), bytesMax)
	}
	f.marks = time.AfterFunc(time.Hour, f.sendMarks)
	f.marks.Stop()
	return f
}

// run serves the stream until it ends, or ctx.
func (f *feeds) run(ctx context.Context) {
	defer close(f.ended)
	ctx, cancel := context.WithCancel(ctx)
	f.sender.begin(f.stream)
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer f.stream.Close() // ends the reading too
		if err := f.write(ctx); err != nil {
			f.streams.options.Logger.Debug("replication stream ended", "follower", f.follower, "error", err)
		}
	}()
	err := f.read()
	f.streams.options.Logger.Debug("replication stream ended", "follower", f.follower, "error", err)
	cancel()
	f.stream.Close() // or the writer might wait for a follower that does not read
	<-written
	f.sender.begin(nil)
	f.marks.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.mu.feeds {
		f.streams.throttling.leave(turn{f, d})
	}
}

// read takes positions and acknowledgements.
func (f *feeds) read() error {
	var buffer []byte
	for {
		frame, err := f.stream.Read(buffer)
		if err != nil {
			return err
		}
		for rest := frame; len(rest) > 0; {
			var e entry
			if e, rest, err = nextEntry(rest); err != nil {
				return err
			}
			f.receive(e)
		}
		buffer = frame[:0]
	}
}

func (f *feeds) receive(e entry) {
	p := f.streams.options.Partitions.Find(e.topic, e.partition)
	if p == nil {
		f.keepEarly(e)
		return
	}
	p.Receive(f.follower, e.message, nil)
	f.mu.Lock()
	switch e.message.Kind {
	case replica.Position:
		f.mu.restarted(p)
	case replica.Ack:
		f.mu.acked(p, e.message.End)
	case replica.Diverged, replica.Agreed, replica.Data:
	}
	unblocked := f.mu.waiting()
	f.mu.Unlock()
	if unblocked {
		f.out.notify()
	}
}

// wake has a partition's turn come.
func (f *feeds) wake(p *partition.Partition, due partition.Due, by partition.Sender) {
	f.mu.Lock()
	d := f.mu.feed(p)
	d.outside = due.Outside
	if d.waits && !d.outside { // it has joined, or is about to: commits wait for it
		d.waits = false
		f.streams.throttling.leave(turn{f, d})
	}
	switch {
	case due.Batches:
		f.mu.push(d)
	case !d.queued && !d.marked:
		d.marked = true
		if f.mu.marked = append(f.mu.marked, d); len(f.mu.marked) == 1 {
			f.marks.Reset(markDelay)
		}
	}
	f.mu.Unlock()
	if due.Batches && by == partition.StreamSends {
		f.out.notify()
	}
}

// push sends what partitions have for the follower, after wake has been told that the
// caller would.
//
// Records that come one by one go out at once. Where another has come before the
// follower had acknowledged the last, they are left to the stream's goroutine: until it
// runs, more of them gather, which go in one frame and are synced together there.
func (f *feeds) push() {
	f.mu.Lock()
	alone := f.mu.bytes == 0 && !f.mu.crowded
	f.mu.crowded = f.mu.bytes > 0
	f.mu.Unlock()
	if !alone || !f.sender.trySend() {
		f.out.notify()
	}
}

// forget drops a partition that is not this node's to send any more.
func (f *feeds) forget(p *partition.Partition) {
	f.out.forget(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.mu.forget(p); d != nil {
		f.streams.throttling.leave(turn{f, d})
	}
}

// called: a throttle has room for a feed that has waited for it.
func (f *feeds) called(d *feed) {
	f.mu.Lock()
	d.waits = false
	f.mu.push(d)
	f.mu.Unlock()
	f.out.notify()
}

// next is the feed whose turn it is, in which conversation, and for how many bytes of
// bytesMax; nil where nobody may send. Those that a throttle holds back are passed over.
func (f *feeds) next(bytesMax int) (d *feed, talk, bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		d, talk = f.mu.pop()
		if d == nil || !d.outside {
			return d, talk, bytesMax
		}
		piece, ok := f.streams.throttling.admit(turn{f, d}, f.flow(d))
		if ok {
			return d, talk, min(bytesMax, piece)
		}
		d.waits = true
	}
}

func (f *feeds) flow(d *feed) throttle.Flow {
	return f.streams.throttling.flow(d.partition, f.follower)
}

// sendMarks has the turn come of those that only have a high watermark to send.
func (f *feeds) sendMarks() {
	f.mu.Lock()
	for _, d := range f.mu.marked {
		d.marked = false
		f.mu.push(d)
	}
	f.mu.marked = f.mu.marked[:0]
	f.mu.Unlock()
	f.out.notify()
}

// write sends frames until ctx ends or it cannot.
func (f *feeds) write(ctx context.Context) error {
	for {
		sent, err := f.sender.send()
		if err != nil {
			return err
		}
		if sent {
			continue
		}
		select {
		case <-f.out.signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gather adds data to a frame: of each partition in turn, until there are bytesMax
// or none that may send.
func (f *feeds) gather(frame []byte, bytesMax int) []byte {
	for len(frame) < bytesMax {
		at := len(frame)
		d, talk, most := f.next(bytesMax - at)
		if d == nil {
			break
		}
		frame = append(frame, make([]byte, entryHeaderBytes)...)
		next, ok, err := d.partition.Next(f.follower, most, frame[len(frame):len(frame):cap(frame)])
		if err != nil {
			f.streams.options.Logger.Warn("A partition cannot be sent to its follower", "partition", d.partition.Name(), "follower", f.follower, "error", err)
		}
		if !ok {
			frame = frame[:at]
			continue
		}
		putHeader(frame[at:], d.partition.TopicID(), d.partition.Name().Partition, &next.Message, len(next.Batches))
		if len(next.Batches) == 0 {
			continue
		}
		if n := len(frame); cap(frame)-n >= len(next.Batches) && &frame[:n+1][n] == &next.Batches[0] {
			frame = frame[:n+len(next.Batches)] // they were read in place
		} else {
			frame = append(frame, next.Batches...)
		}
		f.streams.options.Sent(len(next.Batches))
		f.mu.Lock()
		outside := d.outside
		f.mu.sent(d, talk, next.End, len(next.Batches))
		f.mu.push(d) // for what else there is
		f.mu.Unlock()
		if outside {
			f.streams.throttling.sent(f.flow(d), len(next.Batches))
		}
	}
	return frame
}
