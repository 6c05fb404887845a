package admin

import (
	"net/http"
	"net/http/pprof"
	"runtime"
	"sync"
)

const (
	// blockedNanos is for how many nanoseconds of waiting there is a sample: of waits of
	// 10 µs and more each is seen, of shorter ones now and then.
	blockedNanos = 10_000
	// contendedLocks is for how many contended locks there is a sample.
	contendedLocks = 5
)

// contention is a profile of who waits for whom. Go's runtime notes that only when it is
// told to, since it costs something at each wait: it is told to while somebody asks for
// some seconds of the profile, and at no other time. The switch is the process's.
type contention struct {
	name string
	note func(on bool)

	mu     sync.Mutex
	asking int // how many it is on for; guarded by mu
}

// blocked is where goroutines wait for channels, conditions and locks.
func blocked() *contention {
	return &contention{name: "block", note: func(on bool) {
		if on {
			runtime.SetBlockProfileRate(blockedNanos)
		} else {
			runtime.SetBlockProfileRate(0)
		}
	}}
}

// contended is who holds the locks that others wait for.
func contended() *contention {
	return &contention{name: "mutex", note: func(on bool) {
		if on {
			runtime.SetMutexProfileFraction(contendedLocks)
		} else {
			runtime.SetMutexProfileFraction(0)
		}
	}}
}

// page answers with the profile: of ?seconds=N, or what is known from when others asked.
func (c *contention) page(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("seconds") != "" {
		c.ask(1)
		defer c.ask(-1)
	}
	pprof.Handler(c.name).ServeHTTP(w, r)
}

// ask begins with 1, and ends with -1.
func (c *contention) ask(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.asking > 0
	c.asking += by
	if on := c.asking > 0; on != before {
		c.note(on)
	}
}
