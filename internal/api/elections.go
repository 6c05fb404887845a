package api

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// electionWaitMax is how long an answer waits for the leaders that it is to name. An
// election takes some ten milliseconds. A client that was told of the dead leader, or of
// none, asks again later: the Java client after 100 ms, franz-go's after five seconds.
const electionWaitMax = 300 * time.Millisecond

// awaitElections is an image in which leaders have not just died, or the newest where
// that takes too long.
func (h *Handler) awaitElections(ctx context.Context, received time.Time, image *meta.Image, leaders func(*meta.Image) iter.Seq[model.NodeID]) *meta.Image {
	if image.Brokers.Len() < 2 || h.OutOfTouch() { // who is out of touch hears of none
		return image
	}
	settled := func(image *meta.Image) bool {
		for l := range leaders(image) {
			if l == model.NoNode || h.Suspected(l) {
				return false
			}
		}
		return true
	}
	h.checkPresence(leaders(image))
	if settled(image) {
		return image
	}
	ctx, cancel := context.WithDeadline(ctx, received.Add(electionWaitMax))
	defer cancel()
	stop := context.AfterFunc(h.Stopping, cancel)
	defer stop()
	image, _ = h.AwaitImage(ctx, settled) // else as it is
	return image
}

// checkPresence has the others of some nodes looked at, so that those that have died a
// moment ago are suspected.
func (h *Handler) checkPresence(nodes iter.Seq[model.NodeID]) {
	seen := map[model.NodeID]struct{}{h.Node: {}, model.NoNode: {}}
	var checks sync.WaitGroup
	for node := range nodes {
		if _, known := seen[node]; !known {
			seen[node] = struct{}{}
			checks.Go(func() { h.CheckPresence(node) })
		}
	}
	checks.Wait()
}
