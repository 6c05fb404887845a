package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// echoMax is how long after the first signal another is taken for the same one: timeout(1)
// signals both its child and its process group, and no hand is as fast.
const echoMax = 250 * time.Millisecond

// interruptible closes early at the first signal to stop, and ends the context at the
// second. release ends the goroutine that waits.
func interruptible(ctx context.Context, note func(string)) (at context.Context, early <-chan struct{}, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	at, cancel := context.WithCancel(ctx)
	first, done, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for since := (time.Time{}); ; {
			select {
			case <-signals:
			case <-done:
				return
			}
			switch {
			case since.IsZero():
				since = time.Now()
				note("finishing; once more to stop at once")
				close(first)
			case time.Since(since) >= echoMax:
				cancel()
			}
		}
	}()
	return at, first, func() {
		signal.Stop(signals)
		close(done)
		<-ended
		cancel()
	}
}
