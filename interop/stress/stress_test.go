package main

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/result"
)

func TestErrorsAreFoundInLogs(t *testing.T) {
	f := func(line string, want bool) {
		t.Helper()
		if got := tellsOfError(line); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
	f(`{"time":"2026-01-01T00:00:00Z","level":"ERROR","msg":"disk"}`, true)
	f(`{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"ERROR is a word"}`, false)
	f("panic: runtime error", true)
	f("fatal error: out of memory", true)
	f("ERROR [LogManager] disk (kafka.log.LogManager)", true)
	f("WARN [Controller] ERROR is a word", false)
	f("", false)
}

func TestTrafficEndsOnceEnoughWasAcknowledged(t *testing.T) {
	limited := traffic{}.until(250)
	ended := func() bool {
		select {
		case <-limited.early:
			return true
		default:
			return false
		}
	}
	for i, want := range []bool{false, false, true, true} {
		limited.second(load.Second{Number: i, Points: []result.Point{{Bytes: 100}}})
		if ended() != want {
			t.Errorf("after %d bytes it has ended: %t", 100*(i+1), ended())
		}
	}
}

func TestOthersGoOnOrDoNot(t *testing.T) {
	f := func(want bool, records ...int64) {
		t.Helper()
		s := &scene{out: io.Discard}
		var side result.Side
		for _, n := range records {
			side.Records += n
			side.Over = append(side.Over, result.Point{Records: n})
		}
		if s.goOn(&side); (s.broken == nil) != want {
			t.Errorf("%v: %v", records, s.broken)
		}
	}
	f(true, 1, 0, 0, 1)
	f(false, 0, 0)
	f(true, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	f(false, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

func TestOptionsSayWhatIsWrong(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		_, err := parseOptions(args)
		if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	f("", "-only", "cold,slow", "-seconds", "3")
	f("-only colt: it is one of partitions, producers", "-only", "colt")
	f("-target redpanda", "-target", "redpanda")
	f("-seconds 0", "-seconds", "0")
	f("-gib 0", "-gib", "0")
	f("-share -1", "-share", "-1")
}

// Goal: a client that believes in what was made gets through to who has the file.
func TestTheCertificateIsBelieved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keystore.pem")
	believed, err := makeCertificate(path)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	answered := make(chan error, 1)
	go func() {
		answered <- tls.Server(there, &tls.Config{Certificates: []tls.Certificate{identity}}).Handshake()
	}()
	if err := tls.Client(here, &tls.Config{RootCAs: believed, ServerName: "localhost"}).Handshake(); err != nil {
		t.Errorf("the client: %v", err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the server: %v", err)
	}
}
