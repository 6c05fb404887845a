package peer

import "time"

// beat says when a heartbeat is to be written to a connection: where nothing else was
// since the last was due. They are due on all connections of a node at the same moment,
// so that an idle process wakes up for all of them once. It belongs to who writes.
type beat struct {
	timer   *time.Timer
	written bool // since the last was due
}

func newBeat() *beat { return &beat{timer: time.NewTimer(untilBeat())} }

// untilBeat is how long it is until the next one is due, by the clock on the wall: where
// that is set, one comes sooner.
func untilBeat() time.Duration {
	return heartbeatInterval - time.Duration(time.Now().UnixNano())%heartbeatInterval
}

// due goes off when one may be due; again has it do so at the next moment.
func (b *beat) due() <-chan time.Time { return b.timer.C }
func (b *beat) again()                { b.timer.Reset(untilBeat()) }

// wanted reports whether a heartbeat has to be written, and counts from here.
func (b *beat) wanted() bool {
	written := b.written
	b.written = false
	return !written
}

// wrote notes that something else was written.
func (b *beat) wrote() { b.written = true }

func (b *beat) stop() { b.timer.Stop() }
