package comparison

import (
	"context"
	"errors"
	"sync"
	"time"
)

// lookEvery is how often the nodes are looked at while they are loaded.
const lookEvery = 100 * time.Millisecond

// look is what nodes had used at some time.
type look struct {
	at time.Time
	Usage
}

// watched looks at a cluster until do has returned, and once before and after it. The
// error is that of looking.
func watched(c Cluster, do func()) ([]look, error) {
	ctx, done := context.WithCancel(context.Background())
	var looks []look
	var failure error
	take := func() {
		u, err := c.Usage()
		failure = errors.Join(failure, err)
		looks = append(looks, look{at: time.Now(), Usage: u})
	}
	take()
	var watching sync.WaitGroup
	watching.Go(func() {
		again := time.NewTicker(lookEvery)
		defer again.Stop()
		for failure == nil {
			select {
			case <-again.C:
				take()
			case <-ctx.Done():
				return
			}
		}
	})
	do()
	done()
	watching.Wait()
	if failure == nil {
		take()
	}
	return looks, failure
}

// used is what nodes have used in some time.
type used struct {
	processor     time.Duration
	residentBytes int64 // the most
}

// between finds what was used from one time to another, by looks in their order. Processor
// time between two looks is taken to be used evenly.
func between(looks []look, from, to time.Time) used {
	u := used{processor: processorAt(looks, to) - processorAt(looks, from)}
	for i, l := range looks {
		// Those around the time count as well, so that there is one at least.
		before := i+1 < len(looks) && looks[i+1].at.Before(from)
		after := i > 0 && looks[i-1].at.After(to)
		if !before && !after {
			u.residentBytes = max(u.residentBytes, l.ResidentBytes)
		}
	}
	return u
}

func processorAt(looks []look, at time.Time) time.Duration {
	for i, l := range looks {
		if l.at.Before(at) {
			continue
		}
		if i == 0 {
			return l.Processor
		}
		last := looks[i-1]
		share := float64(at.Sub(last.at)) / float64(l.at.Sub(last.at))
		return last.Processor + time.Duration(share*float64(l.Processor-last.Processor))
	}
	return looks[len(looks)-1].Processor
}
