package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// calls are the system calls of each node in some seconds, by name.
type calls struct {
	how    string // what has counted them
	byNode []counters
	during []counters // what the nodes have counted meanwhile
}

// take counts for a while: with strace where it is installed and may, and else what Linux
// counts for every process.
func (s *calls) take(ctx context.Context, nodes []node, length time.Duration) error {
	if s.traced(ctx, nodes, length) == nil {
		s.how = "strace -c -f, under which a node is slower"
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.how = "/proc/PID/io, since strace cannot trace the nodes: calls like read and like write alone"
	s.byNode = make([]counters, len(nodes))
	look := func(sign float64) error {
		for i, n := range nodes {
			now := counters{}
			if err := countLines(fmt.Sprintf("/proc/%d/io", n.pid), now, "syscr", "syscw"); err != nil {
				return err
			}
			s.byNode[i] = sum([]counters{s.byNode[i], {"read": sign * now["syscr"], "write": sign * now["syscw"]}})
		}
		return nil
	}
	var err error
	s.during, err = between(ctx, nodes, func() error {
		return errors.Join(look(-1), wait(ctx, length), look(1))
	})
	return err
}

func (s *calls) traced(ctx context.Context, nodes []node, length time.Duration) error {
	traces := make([]*trace, len(nodes))
	defer func() {
		for _, t := range traces {
			if t != nil {
				t.kill()
			}
		}
	}()
	for i, n := range nodes {
		var err error
		if traces[i], err = startTrace(ctx, n.pid); err != nil {
			return err
		}
	}
	var err error
	if s.during, err = between(ctx, nodes, func() error { return wait(ctx, length) }); err != nil {
		return err
	}
	s.byNode = make([]counters, len(nodes))
	var g errgroup.Group
	for i, t := range traces {
		g.Go(func() (err error) {
			s.byNode[i], err = t.end()
			return err
		})
	}
	return g.Wait()
}

// trace is strace at work on a process.
type trace struct {
	process *exec.Cmd
	said    io.ReadCloser
	table   *os.File
}

// startTrace returns when the process is being traced.
func startTrace(ctx context.Context, pid int) (*trace, error) {
	table, err := os.CreateTemp("", "strace-")
	if err != nil {
		return nil, err
	}
	t := &trace{process: exec.CommandContext(ctx, "strace", "-c", "-f", "-U", "name,calls", "-o", table.Name(), "-p", strconv.Itoa(pid)), table: table}
	if t.said, err = t.process.StderrPipe(); err == nil {
		err = t.process.Start()
	}
	if err != nil {
		return nil, errors.Join(err, table.Close(), os.Remove(table.Name()))
	}
	line, err := bufio.NewReader(t.said).ReadString('\n')
	if err != nil || !strings.Contains(line, "attached") {
		t.kill()
		return nil, fmt.Errorf("strace: %q, %w", line, err)
	}
	return t, nil
}

// end has strace let go of the process, and say what it has counted.
func (t *trace) end() (counters, error) {
	if err := t.process.Process.Signal(syscall.SIGINT); err != nil {
		return nil, err
	}
	_, err := io.Copy(io.Discard, t.said)
	_ = t.process.Wait() // it ends by the signal
	text, failed := io.ReadAll(t.table)
	return parseTrace(string(text)), errors.Join(err, failed)
}

// kill ends a trace that may have ended, and what is left of it.
func (t *trace) kill() {
	_ = t.process.Process.Kill()  // as it may
	_ = t.process.Wait()          // as above
	_ = t.table.Close()           // it was read
	_ = os.Remove(t.table.Name()) // in a temporary directory
}

// parseTrace reads strace's table: a name and a number a line.
func parseTrace(table string) counters {
	c := counters{}
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] == "total" {
			continue
		}
		if n, err := strconv.ParseFloat(fields[1], 64); err == nil {
			c[fields[0]] = n
		}
	}
	return c
}
