//go:build linux

package main

import (
	"context"
	"time"

	"github.com/chronik/chronik/interop/faults/admin"
)

// watchEvery is how often leaders are asked for.
const watchEvery = 500 * time.Millisecond

// watch counts how often leaders change, in a goroutine of its own.
type watch struct {
	cancel context.CancelFunc
	done   chan int
}

func watchLeaders(ctx context.Context, a *admin.Admin) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel, done: make(chan int, 1)}
	go func() {
		type key struct {
			topic  string
			number int32
		}
		epochs, changes := map[key]int32{}, 0
		for sleepUntil(ctx, time.Now().Add(watchEvery)) {
			list, err := a.Partitions(ctx)
			if err != nil {
				continue
			}
			for _, p := range list {
				// Who is cut off answers with what it knew.
				at := key{p.Topic, p.Number}
				if before, seen := epochs[at]; !seen || p.Epoch > before {
					if seen {
						changes++
					}
					epochs[at] = p.Epoch
				}
			}
		}
		w.done <- changes
	}()
	return w
}

// stop ends the watch, and returns how often an epoch was seen to have grown.
func (w *watch) stop() int {
	w.cancel()
	return <-w.done
}
