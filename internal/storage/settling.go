package storage

import (
	"context"
	"time"
)

// uncheckedBytesMax is how much a log may have above its recovery point without
// being worth a checkpoint, which costs about six syncs. Opening a log and
// checking so much costs a millisecond or two, of which opening is the most; and
// ten thousand partitions with a trickle of records each would keep a disk busy
// with nothing but checkpoints.
const uncheckedBytesMax = 64 << 10

// serveSettle moves recovery points until ctx ends, so that a crash leaves no
// more to check than was written in an interval, and uncheckedBytesMax a log. It
// sleeps while no log has more than that; a log that is not written costs nothing.
func (d *Disk) serveSettle(ctx context.Context) {
	for {
		select {
		case <-d.settle.wake:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(d.checkpointInterval):
		case <-ctx.Done():
			return
		}
		if err := d.settleWaiting(ctx); err != nil {
			return // it is fenced: nothing more will be written
		}
	}
}

// settleWaiting settles the logs that wait for it, one after the other: the
// disk is the appends' first. What queues meanwhile waits for the next time.
func (d *Disk) settleWaiting(ctx context.Context) error {
	began := time.Now()
	logs, bytes := 0, int64(0)
	for range d.settle.len() {
		if ctx.Err() != nil { // the stop makes a checkpoint of everything
			break
		}
		l := d.settle.take()
		bytes += l.takeUnchecked()
		if err := l.checkpoint(); err != nil {
			return err
		}
		logs++
	}
	if logs == 0 {
		return nil
	}
	if err := d.writeAll(); err != nil {
		return err
	}
	d.logger.Debug("recovery points moved", "dir", d.dir, "logs", logs, "bytes", bytes, "took", time.Since(began))
	return nil
}

// unchecked counts bytes that are above the recovery point, and queues the log
// once they are many.
func (l *Log) unchecked(n int64) {
	l.mu.Lock()
	settle := l.uncheckedLocked(n)
	l.mu.Unlock()
	if settle {
		l.disk.settle.add(l)
	}
}

// uncheckedLocked counts, and reports whether the caller is to queue the log.
func (l *Log) uncheckedLocked(n int64) bool {
	l.uncheckedBytes += n
	return l.uncheckedBytes >= l.disk.uncheckedBytesMax && l.settleLocked()
}

// settleLocked reports whether the caller is to queue the log.
func (l *Log) settleLocked() bool {
	add := !l.settling
	l.settling = true
	return add
}

// takeUnchecked takes the log out of the queue.
func (l *Log) takeUnchecked() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settling = false
	return l.uncheckedBytes
}
