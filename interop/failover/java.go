package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/command"
)

// javaClient is the Java client, in a process that is told what to do and tells
// what has come of it, a line each (clients/java/Producing.java).
type javaClient struct {
	title   string
	process *exec.Cmd
	orders  io.WriteCloser
	stderr  *bytes.Buffer
	ended   chan struct{} // closed when the process has ended

	mu struct {
		sync.Mutex
		ledger  *ledger
		stopped chan struct{}
		created map[string]chan struct{}
	}
}

func newJavaClient(title string, line command.Line) (*javaClient, error) {
	j := &javaClient{title: title, process: exec.Command(line.Args[0], line.Args[1:]...), stderr: &bytes.Buffer{}, ended: make(chan struct{})}
	j.mu.created = map[string]chan struct{}{}
	j.process.Stderr = j.stderr
	j.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl+C is ours to answer
	var err error
	if j.orders, err = j.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := j.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := j.process.Start(); err != nil {
		return nil, err
	}
	go j.listen(out)
	return j, nil
}

func (j *javaClient) listen(out io.Reader) {
	defer close(j.ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		j.heard(lines.Text(), time.Now())
	}
	j.process.Wait() //nolint:errcheck // that it ended is what is told
}

// outOfDate implements client: it hears of a connection's end at once.
func (j *javaClient) outOfDate(time.Time, int) bool { return false }

func (j *javaClient) heard(line string, at time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	what, rest, _ := strings.Cut(line, " ")
	var number, offset int64
	switch what {
	case "ack":
		if _, err := fmt.Sscan(rest, &number, &offset); err != nil {
			j.mu.ledger.failed("cannot read: " + line)
			return
		}
		j.mu.ledger.acknowledged(number, offset, at)
	case "stopped":
		close(j.mu.stopped)
	case "created":
		close(j.mu.created[rest])
	default: // fail, or what nobody has thought of
		j.mu.ledger.failed(line)
	}
}

func (j *javaClient) order(format string, args ...any) error {
	_, err := fmt.Fprintf(j.orders, format+"\n", args...)
	return err
}

func (j *javaClient) name() string { return j.title }

// settled implements client: it asks at most every 100 ms (retry.backoff.ms).
func (j *javaClient) settled() time.Time { return time.Time{} }

func (j *javaClient) produce(topic string, partition int, to *ledger) error {
	j.mu.Lock()
	j.mu.ledger, j.mu.stopped = to, make(chan struct{})
	j.mu.Unlock()
	return j.order("produce %s %d %d", topic, partition, sendEvery.Milliseconds())
}

func (j *javaClient) stop(ctx context.Context) error {
	j.mu.Lock()
	stopped := j.mu.stopped
	j.mu.Unlock()
	if err := j.order("stop"); err != nil {
		return err
	}
	return j.await(ctx, stopped)
}

func (j *javaClient) createTopic(ctx context.Context, topic string) error {
	created := make(chan struct{})
	j.mu.Lock()
	j.mu.created[topic] = created
	j.mu.Unlock()
	if err := j.order("create %s", topic); err != nil {
		return err
	}
	return j.await(ctx, created)
}

func (j *javaClient) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-j.ended:
		return fmt.Errorf("%s: its process has ended\n%s", j.title, command.Tail(j.stderr.String()))
	case <-ctx.Done():
		return fmt.Errorf("%s does not answer: %w", j.title, ctx.Err())
	}
}

// close ends the process, which ends where its input does; one that is stuck is
// killed.
func (j *javaClient) close() {
	j.orders.Close()
	select {
	case <-j.ended:
	case <-time.After(5 * time.Second):
		j.process.Process.Kill() //nolint:errcheck // it may have ended just now
		<-j.ended
	}
}
