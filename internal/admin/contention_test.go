package admin

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Locks are looked at while somebody asks for it, and not any more after the last.
func TestContentionIsNotedWhileItIsAskedFor(t *testing.T) {
	s := newServer(t, options(t))
	synctest.Test(t, func(t *testing.T) {
		rate := func() int { return runtime.SetMutexProfileFraction(-1) }
		var asking sync.WaitGroup
		for _, seconds := range []string{"3", "10"} {
			asking.Go(func() {
				w := httptest.NewRecorder()
				s.http.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/pprof/mutex?seconds="+seconds, nil))
				if w.Code != http.StatusOK || w.Body.Len() == 0 {
					t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
				}
			})
		}
		for _, after := range []time.Duration{time.Second, 4 * time.Second} { // both ask, one asks
			time.Sleep(after)
			if rate() != contendedLocks {
				t.Errorf("the rate is %d while it is asked for", rate())
			}
		}
		asking.Wait()
		if rate() != 0 {
			t.Errorf("the rate is %d when nobody asks", rate())
		}
	})
}

// Who asks for no time, or for none that there is, leaves it off.
func TestContentionStaysOff(t *testing.T) {
	for _, page := range []string{"block", "mutex"} {
		if w := ask(t, options(t), http.MethodGet, "/debug/pprof/"+page); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", page, w.Code, w.Body)
		}
		if w := ask(t, options(t), http.MethodGet, "/debug/pprof/"+page+"?seconds=soon"); w.Code != http.StatusBadRequest {
			t.Errorf("%s of soon: %d %s", page, w.Code, w.Body)
		}
	}
	if rate := runtime.SetMutexProfileFraction(-1); rate != 0 {
		t.Errorf("the rate is %d when nobody asks", rate)
	}
}
