package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/command"
)

const (
	// startMax is far above the tenth of a second that a start takes.
	startMax = 20 * time.Second
	// stopMax is how long a broker may take to flush and exit.
	stopMax = 20 * time.Second
)

// broker is the broker under test: a process of ours, or somebody's, or one of a cluster.
type broker struct {
	addr    string
	brokers int    // of its cluster, with it
	runID   string // makes names of topics and groups this run's own
	dataDir string // empty where it is not known
	owned   bool

	options options
	process *exec.Cmd
	exited  chan struct{} // closed when the process has ended, after its ProcessState is set
	logPath string
	work    string
}

func openBroker(ctx context.Context, o options) (*broker, error) {
	b := &broker{options: o, runID: newRunID(), dataDir: o.dataDir, addr: o.broker, brokers: 1}
	switch {
	case o.broker != "":
		var err error
		b.brokers, err = cluster.Brokers(ctx, o.broker)
		return b, err
	case o.dataDir != "":
		return b, nil
	}
	work, err := os.MkdirTemp("", "chronik-interop-")
	if err != nil {
		return nil, err
	}
	b.owned, b.work, b.dataDir = true, work, filepath.Join(work, "data")
	b.logPath = filepath.Join(work, "server.log")
	if b.addr, err = freeAddress(); err != nil {
		return nil, err
	}
	if err := b.start(ctx); err != nil {
		b.cleanUp()
		return nil, err
	}
	return b, nil
}

func newRunID() string { return strings.ToLower(rand.Text()[:6]) }

// replicas is how many a topic is given where nothing says so.
func (b *broker) replicas() int { return min(3, b.brokers) }

// freeAddress is one that nothing listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start runs the server and waits until it accepts connections.
func (b *broker) start(ctx context.Context) error {
	log, err := os.OpenFile(b.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	_, port, err := net.SplitHostPort(b.addr)
	if err != nil {
		return err
	}
	// Without the delay before a group's first rebalance, which would cost three
	// seconds a group, everything is as a user gets it.
	b.process = exec.Command(b.options.server, "--advertised-addr", "127.0.0.1", "--kafka-port", port,
		"--data-dir", b.dataDir, "-o", "group.initial.rebalance.delay.ms=0")
	b.process.Stdout, b.process.Stderr = log, log
	if err := b.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", b.options.server, err)
	}
	b.exited = make(chan struct{})
	go func(p *exec.Cmd, exited chan<- struct{}) {
		defer close(exited)
		_ = p.Wait() // its ProcessState says the same
	}(b.process, b.exited)
	return b.awaitListening(ctx)
}

// ensureStarted starts our broker unless it runs.
func (b *broker) ensureStarted(ctx context.Context) error {
	if b.process != nil {
		return nil
	}
	return b.start(ctx)
}

func (b *broker) awaitListening(ctx context.Context) error {
	deadline := time.NewTimer(startMax)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.DialTimeout("tcp", b.addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
		case <-b.exited:
			state := b.process.ProcessState
			b.process = nil
			return fmt.Errorf("%s ended at its start: %s\n%s", b.options.server, state, b.logTail())
		case <-deadline.C:
			return fmt.Errorf("%s: nothing listens on %s after %s\n%s", b.options.server, b.addr, startMax, b.logTail())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gone is nil where our broker runs, or was ended from here, or there is none of ours;
// otherwise it says how the broker has ended by itself.
func (b *broker) gone() error {
	if b.process == nil {
		return nil
	}
	select {
	case <-b.exited:
		return fmt.Errorf("the broker has ended by itself, with %s; its log ends with\n%s", b.process.ProcessState, b.logTail())
	default:
		return nil
	}
}

// stop ends our broker the way Ctrl+C does and demands exit code 0.
func (b *broker) stop() error {
	if !b.owned || b.process == nil {
		return nil
	}
	gone, p := b.gone(), b.process
	b.process = nil
	if gone != nil {
		return gone
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop broker: %w", err)
	}
	select {
	case <-b.exited:
		if !p.ProcessState.Success() {
			return fmt.Errorf("broker ended with %s\n%s", p.ProcessState, b.logTail())
		}
		return nil
	case <-time.After(stopMax):
		err := p.Process.Kill()
		<-b.exited // killed, as it says
		return errors.Join(fmt.Errorf("broker runs on %s after SIGTERM\n%s", stopMax, b.logTail()), err)
	}
}

func (b *broker) logTail() string {
	data, err := os.ReadFile(b.logPath)
	if err != nil {
		return err.Error()
	}
	return command.Tail(string(data))
}

// complaints returns the ERROR lines of the broker's log: at that level a person
// must act, and nothing that a client sends is a reason for it.
func (b *broker) complaints() error { return complaintsOf(b.logPath) }

func complaintsOf(logPath string, expected ...string) error {
	data, err := os.ReadFile(logPath)
	if err != nil {
		return err
	}
	loud := regexp.MustCompile(`(?m)^.*("level":"ERROR"|level=ERROR|\bERR(OR)?\b|^panic: |^goroutine \d+ ).*$`)
	lines := slices.DeleteFunc(loud.FindAllString(string(data), -1), func(line string) bool {
		return slices.ContainsFunc(expected, func(text string) bool { return strings.Contains(line, text) })
	})
	if len(lines) > 0 {
		return errors.New(strings.Join(lines[:min(len(lines), 20)], "\n"))
	}
	return nil
}

// cleanUp ends what still runs and removes what was temporary.
func (b *broker) cleanUp() {
	if err := b.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
	}
	if b.work == "" {
		return
	}
	if b.options.keep {
		fmt.Println("kept", b.work)
		return
	}
	if err := os.RemoveAll(b.work); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
	}
}
