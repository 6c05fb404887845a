package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func wantReserve(t testing.TB, c *claim, n int64) {
	t.Helper()
	if err := c.reserve(t.Context(), n, time.Minute); err != nil {
		t.Errorf("reserve %d: %v", n, err)
	}
}

func TestBudgetGrantsInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{limit: 100}
		first, over := claim{budget: b}, claim{budget: b}
		wantReserve(t, &first, 100)
		wantReserve(t, &over, 50) // the overdraft
		var mu sync.Mutex
		var order []int
		claims := make([]claim, 3)
		for i := range claims {
			claims[i].budget = b
			go func() {
				wantReserve(t, &claims[i], []int64{80, 10, 10}[i])
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			}()
			synctest.Wait()
		}
		over.release(50) // the overdraft goes to the first in the queue
		synctest.Wait()
		if len(order) != 1 || order[0] != 0 {
			t.Fatalf("granted %v, want [0]", order)
		}
		if u := b.usage(); u.used != 180 || u.waiting != 2 || u.waits != 3 {
			t.Errorf("usage %+v, want 180 used, 2 waiting, 3 waits", u)
		}
		first.release(100)
		synctest.Wait()
		if len(order) != 3 {
			t.Fatalf("granted %v, want all", order)
		}
	})
}

func TestBudgetLetsHalfReadFramesProceedOneByOne(t *testing.T) {
	// Ten frames each hold a tenth and want as much again: without the
	// overdraft they would wait for each other.
	synctest.Test(t, func(t *testing.T) {
		b := &budget{limit: 100}
		claims := make([]claim, 10)
		for i := range claims {
			claims[i].budget = b
			wantReserve(t, &claims[i], 10)
		}
		var wg sync.WaitGroup
		for i := range claims {
			wg.Go(func() {
				wantReserve(t, &claims[i], 10)
				if u := b.usage(); u.used > 110 {
					t.Errorf("%d used, want at most the limit and one frame's rest", u.used)
				}
				claims[i].release(20)
			})
		}
		wg.Wait()
		if u := b.usage(); u.used != 0 || u.waiting != 0 || b.overdraw != nil {
			t.Errorf("usage %+v, overdraw %p; want nothing", u, b.overdraw)
		}
	})
}

func TestBudgetWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{limit: 10}
		holder, over, late := claim{budget: b}, claim{budget: b}, claim{budget: b}
		wantReserve(t, &holder, 10)
		wantReserve(t, &over, 1)
		began := time.Now()
		if err := late.reserve(t.Context(), 1, 30*time.Second); !errors.Is(err, errMemoryWait) {
			t.Errorf("got %v, want errMemoryWait", err)
		}
		if d := time.Since(began); d != 30*time.Second {
			t.Errorf("waited %v, want 30s", d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := late.reserve(ctx, 1, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		// Those who gave up hold nothing and block nobody.
		holder.release(10)
		over.release(1)
		wantReserve(t, &late, 10)
		late.release(10)
		if u := b.usage(); u.used != 0 || u.waiting != 0 {
			t.Errorf("usage %+v, want nothing", u)
		}
	})
}

func TestBudgetNeverExceedsLimitByMoreThanOneFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, frameMax = 1000, 400
		b := &budget{limit: limit}
		var wg sync.WaitGroup
		for i := range 50 {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			wg.Go(func() {
				for range 50 {
					c := claim{budget: b}
					for c.held < frameMax/2 {
						err := c.reserve(t.Context(), 1+rnd.Int64N(frameMax/2), time.Duration(rnd.IntN(1000))*time.Second)
						if err != nil && !errors.Is(err, errMemoryWait) {
							t.Errorf("reserve: %v", err)
						}
						if err != nil {
							break
						}
						if u := b.usage(); u.used > limit+frameMax {
							t.Errorf("%d used", u.used)
						}
						time.Sleep(time.Duration(rnd.IntN(10)) * time.Second) // virtual: the bytes arrive
					}
					c.release(c.held)
				}
			})
		}
		wg.Wait()
		u := b.usage()
		if u.used != 0 || u.waiting != 0 || b.overdraw != nil {
			t.Errorf("usage %+v, overdraw %p; want nothing", u, b.overdraw)
		}
		if u.waits == 0 {
			t.Error("nobody had to wait: the test shows nothing")
		}
	})
}

func TestNextBufferIsAtMostTwiceWhatArrived(t *testing.T) {
	for _, claimed := range []int{8, 1023, 1024, 1025, 4096, 4097, 1 << 20, 1<<24 - 1, 1 << 24, 1<<24 + 1, 100 << 20} {
		have := 0
		for steps := 0; have < claimed; steps++ {
			next := nextBufferBytes(have, claimed)
			if next <= have || next > max(2*have, firstBufferBytesMax) {
				t.Fatalf("claimed %d: after %d comes %d", claimed, have, next)
			}
			if steps > 20 {
				t.Fatalf("claimed %d: more than 20 steps", claimed)
			}
			have = next
		}
	}
}

func TestBuffersHaveTheirClassSize(t *testing.T) {
	var b buffers
	for _, c := range []struct{ n, want int }{
		{0, 1024}, {1, 1024}, {1024, 1024}, {1025, 2048}, {1 << 20, 1 << 20}, {1<<20 + 1, 2 << 20},
		{pooledBytesMax, pooledBytesMax}, {pooledBytesMax + 1, pooledBytesMax + 1},
	} {
		if got := len(b.get(c.n)); got != c.want {
			t.Errorf("get(%d) has %d bytes, want %d", c.n, got, c.want)
		}
	}
	for _, n := range []int{0, 1, 1023, 1024, 1500, 3 << 20, 17 << 20, 40 << 20} {
		b.put(make([]byte, 0, n)) // whatever append has grown
	}
	for _, n := range []int{1000, 1 << 20, 2 << 20, pooledBytesMax} {
		if got := len(b.get(n)); got != classBytes(n) {
			t.Errorf("after put, get(%d) has %d bytes, want %d", n, got, classBytes(n))
		}
	}
}
