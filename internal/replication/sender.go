package replication

import "sync"

// pushBytesMax is about how much is sent by who has caused it: more takes long enough
// that waking another goroutine for it costs little beside.
const pushBytesMax = 4 << 10

// sender is one side's end of a stream to write to. What goes out is gathered and
// written by one goroutine at a time: the stream's own, which may wait for the other
// side, or whoever has just caused something to be sent, which must not.
//
// Invariant: frames go out in the order in which they were gathered.
type sender struct {
	// gather appends what is to be sent to a frame, about bytesMax of it.
	gather func(frame []byte, bytesMax int) []byte

	mu struct {
		sync.Mutex
		stream Stream // nil: there is none
		frame  []byte // gathered, and not written yet
	}
}

// begin has everything go out on a stream from now on; nil: nothing.
func (s *sender) begin(stream Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.stream, s.mu.frame = stream, s.mu.frame[:0]
}

// send writes a frame of what there is, and waits for the stream to take it. It is the
// stream's own goroutine's.
func (s *sender) send() (sent bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.frame) == 0 {
		s.mu.frame = s.gather(s.mu.frame, frameBytes)
	}
	if len(s.mu.frame) == 0 {
		return false, nil
	}
	err = s.mu.stream.Write(s.mu.frame)
	s.emptyLocked()
	return true, err
}

// trySend writes what there is where that takes no waiting. Where it is false the
// stream's own goroutine has to be woken: somebody else is writing, the stream takes
// nothing at the moment, or there is more.
func (s *sender) trySend() bool {
	if !s.mu.TryLock() {
		return false
	}
	defer s.mu.Unlock()
	if s.mu.stream == nil || len(s.mu.frame) > 0 {
		return false
	}
	s.mu.frame = s.gather(s.mu.frame, pushBytesMax)
	size := len(s.mu.frame)
	if size == 0 {
		return true
	}
	if !s.mu.stream.TryWrite(s.mu.frame) {
		return false
	}
	s.emptyLocked()
	return size < pushBytesMax
}

func (s *sender) emptyLocked() {
	s.mu.frame = s.mu.frame[:0]
	if cap(s.mu.frame) > bufferBytesMax {
		s.mu.frame = nil
	}
}
