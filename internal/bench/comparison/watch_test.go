package comparison

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// ramp uses half a second of processor time a second, and a byte more each look.
type ramp struct {
	Cluster
	began time.Time
	looks int64
	fail  int64 // the look that fails; 0: none
}

func (r *ramp) Usage() (Usage, error) {
	r.looks++
	if r.looks == r.fail {
		return Usage{}, errFake
	}
	return Usage{Processor: time.Since(r.began) / 2, ResidentBytes: r.looks}, nil
}

// Only the measured time counts, however far it is from the looks.
func TestUsageOfTheMeasuredTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &ramp{began: time.Now()}
		looks, err := watched(r, func() { time.Sleep(1050 * time.Millisecond) })
		if err != nil || len(looks) != 12 { // before, ten, after
			t.Fatalf("%d looks, %v", len(looks), err)
		}
		f := func(from, to, processor time.Duration, most int64) {
			t.Helper()
			got := between(looks, r.began.Add(from), r.began.Add(to))
			if d := got.processor - processor; d.Abs() > time.Microsecond || got.residentBytes != most {
				t.Errorf("from %s to %s: %+v, not %s and %d", from, to, got, processor, most)
			}
		}
		const ms = time.Millisecond
		f(0, 1050*ms, 525*ms, 12)
		f(200*ms, 400*ms, 100*ms, 6) // looks at 0, 100, …: the sixth is the one after it
		f(230*ms, 480*ms, 125*ms, 6)
		f(310*ms, 320*ms, 5*ms, 5)
		f(-time.Second, 5*time.Second, 525*ms, 12)
		f(2*time.Second, 3*time.Second, 0, 12)
		f(-3*time.Second, -2*time.Second, 0, 1)
	})
}

func TestNodesThatCannotBeLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, at := range []int64{1, 3, 12} {
			r := &ramp{began: time.Now(), fail: at}
			done := false
			_, err := watched(r, func() { time.Sleep(1050 * time.Millisecond); done = true })
			if !errors.Is(err, errFake) || r.looks != at || !done {
				t.Errorf("look %d: %v after %d, done: %t", at, err, r.looks, done)
			}
		}
	})
}
