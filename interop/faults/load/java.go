//go:build linux

package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/faults/history"
)

// java is the process of the Java clients: a producer, and a member of the group. It
// writes operations in the form of a history, a line each, and ends in order when its
// input does.
type java struct {
	process *exec.Cmd
	in      io.Closer
	done    chan error
}

func startJava(o Options) (*java, error) {
	log, err := os.Create(o.Log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append(o.Java, strings.Join(o.Bootstrap, ","), o.Topic, fmt.Sprint(o.Partitions), o.Group)
	j := &java{process: exec.Command(args[0], args[1:]...), done: make(chan error, 1)}
	j.process.Stderr = log
	j.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if j.in, err = j.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := j.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := j.process.Start(); err != nil {
		return nil, fmt.Errorf("start the Java clients: %w", err)
	}
	go func() {
		err := record(o.History, out)
		if err != nil {
			_ = j.process.Process.Kill() // it would wait for somebody to read
		}
		j.done <- errors.Join(err, j.process.Wait())
	}()
	return j, nil
}

// record adds the lines of a history to another.
func record(h *history.Recorder, from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		ops, err := history.Decode(bytes.NewReader(lines.Bytes()))
		if err != nil {
			return fmt.Errorf("the Java clients: %w: %.200q", err, lines.Text())
		}
		for _, op := range ops {
			h.Add(op)
		}
	}
	return lines.Err()
}

// stop has the producer finish, and ends the process.
func (j *java) stop() error {
	if err := j.in.Close(); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-time.After(javaFinishMax):
		return errors.Join(errors.New("the Java clients do not end"), j.process.Process.Kill(), <-j.done)
	}
}
