package admin

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/metrics"
)

func TestRunServesAndStops(t *testing.T) {
	o := options(t)
	o.Listeners = append(o.Listeners, listen(t))
	r := run(t, o)
	if code, body := r.get(t, "/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, body := r.get(t, "/metrics"); code != http.StatusOK || !strings.Contains(body, "kafka_server_replicamanager_partitioncount 3\n") {
		t.Errorf("%d, %d bytes", code, len(body))
	}
	r.url = "http://" + o.Listeners[1].Addr().String()
	if code, _ := r.get(t, "/readyz"); code != http.StatusOK {
		t.Errorf("%d by the second listener", code)
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", o.Listeners[0].Addr().String()); err == nil {
		t.Error("it listens after it has stopped")
	}
}

// A profile of half a minute does not hold the node up when it stops.
func TestStopEndsWhatIsInProgress(t *testing.T) {
	o := options(t)
	r := run(t, o)
	c, err := net.Dial("tcp", o.Listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The first response says that the connection is being served, and so what follows.
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /debug/pprof/profile?seconds=30 HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if response, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

func TestListenerClosedUnderIt(t *testing.T) {
	o := options(t)
	r := run(t, o)
	r.get(t, "/healthz")
	_ = o.Listeners[0].Close()
	if err := <-r.ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
}

// Connections beyond the limit are closed, and those before it live on.
func TestConnectionsAreLimited(t *testing.T) {
	o := options(t)
	r := run(t, o)
	open := make([]net.Conn, connectionsMax)
	for i := range open {
		c, err := net.Dial("tcp", o.Listeners[0].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open[i] = c
		if err := health(c); err != nil { // it is counted
			t.Fatal(err)
		}
	}
	over, err := net.Dial("tcp", o.Listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	if err := health(over); err == nil {
		t.Error("one connection too many is served")
	}
	if err := health(open[0]); err != nil {
		t.Errorf("an old connection: %v", err)
	}
	r.stop()
	<-r.ended
}

func health(c net.Conn) error {
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	return err
}

// Pages that look at every partition wait for each other; others do not.
func TestPagesInTurn(t *testing.T) {
	o := options(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	o.Partitions = func(func(*metrics.Partition) bool) {
		entered <- struct{}{}
		<-leave
	}
	r := run(t, o)
	codes := make(chan int)
	for range pagesAtOnce + 1 {
		go func() {
			code, _ := r.get(t, "/debug/partitions")
			codes <- code
		}()
	}
	for range pagesAtOnce {
		<-entered
	}
	if code, _ := r.get(t, "/healthz"); code != http.StatusOK {
		t.Errorf("health is %d while pages are made", code)
	}
	select {
	case <-entered:
		t.Error("one page too many is made")
	default:
	}
	leave <- struct{}{}
	<-entered // the one that waited
	for range pagesAtOnce {
		leave <- struct{}{}
	}
	for range pagesAtOnce + 1 {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("a page is %d", code)
		}
	}
	r.stop()
	<-r.ended
}

func TestEveryOptionIsNeeded(t *testing.T) {
	o := options(t)
	o.DiskErr = nil
	if _, err := New(o); err == nil {
		t.Error("took options of which one is missing")
	}
}
