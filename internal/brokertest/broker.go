// Package brokertest runs real brokers inside the test's process, on loopback
// ports of the system's choice and a real directory, and real ones as processes
// where a test must kill them.
package brokertest

import (
	"context"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/broker"
	"github.com/chronik/chronik/internal/config"
)

// startMax bounds how long a broker may take to start or to stop before the
// test fails; it is a safety net, not a promise.
const startMax = 30 * time.Second

// Broker is a running broker.
type Broker struct {
	Addr string // host:port of its first listener
	Dir  string

	t       testing.TB
	running *broker.Broker
	stop    context.CancelFunc
	done    chan error
}

// Start runs a broker in dir until the test ends or Stop. Settings are
// name=value, as for --override.
func Start(t testing.TB, dir string, settings ...string) *Broker {
	t.Helper()
	return start(t, dir, logger(t), settings...)
}

func start(t testing.TB, dir string, logger *slog.Logger, settings ...string) *Broker {
	t.Helper()
	b := launch(t, dir, logger, settings...)
	b.awaitReady()
	return b
}

// launch is start that does not wait until the broker is ready.
func launch(t testing.TB, dir string, logger *slog.Logger, settings ...string) *Broker {
	t.Helper()
	args := []string{"--data-dir", dir}
	for _, s := range settings {
		args = append(args, "--override", s)
	}
	if !slices.ContainsFunc(settings, func(s string) bool { return strings.HasPrefix(s, "listeners=") }) {
		args = append(args, "--kafka-port", "0")
	}
	set := pflag.NewFlagSet("chronik-server", pflag.ContinueOnError)
	flags := config.NewFlags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(flags, config.Surroundings{
		Hostname: os.Hostname, Root: os.DirFS("/"), // and no environment: the test alone decides
	})
	if err != nil {
		t.Fatal(err)
	}
	running, err := broker.New(broker.Options{Config: cfg, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &Broker{Dir: dir, t: t, running: running, stop: cancel, done: make(chan error, 1)}
	go func() { b.done <- running.Run(ctx) }()
	t.Cleanup(func() {
		if b.done != nil {
			b.Stop()
		}
	})
	return b
}

// awaitReady waits until the broker serves clients.
func (b *Broker) awaitReady() {
	b.t.Helper()
	select {
	case <-b.running.Ready():
	case err := <-b.done:
		b.done = nil
		b.t.Fatalf("the broker did not start: %v", err)
	case <-time.After(startMax):
		b.t.Fatal("the broker did not start in time")
	}
	e := b.running.Endpoints()[0]
	b.Addr = net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// Stop stops the broker in order; an error fails the test.
func (b *Broker) Stop() {
	b.t.Helper()
	b.stop()
	select {
	case err := <-b.done:
		if err != nil {
			b.t.Errorf("the broker did not stop cleanly: %v", err)
		}
	case <-time.After(startMax):
		b.t.Fatal("the broker did not stop in time")
	}
	b.done = nil
}

// Client is a franz-go client of the broker, closed with the test.
func (b *Broker) Client(opts ...kgo.Opt) *kgo.Client {
	b.t.Helper()
	return Client(b.t, b.Addr, opts...)
}

// Client is a franz-go client, closed with the test.
func Client(t testing.TB, addr string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(addr)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// logger writes to the test's log what a person should see.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// errorLines keeps what is logged as an error.
type errorLines struct {
	mu    sync.Mutex
	lines []string
}

func (e *errorLines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(e, &slog.HandlerOptions{Level: slog.LevelError}))
}

func (e *errorLines) Write(line []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, string(line))
	return len(line), nil
}

// take returns the lines since the last call.
func (e *errorLines) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := e.lines
	e.lines = nil
	return lines
}

// Context is bounded by what any step of a test may take.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
