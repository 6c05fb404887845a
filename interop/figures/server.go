package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chronik/chronik/interop/exchange"
)

const (
	// startMax and stopMax are safety nets, far above what is promised.
	startMax = 10 * time.Second
	stopMax  = 20 * time.Second
	// topic is what the figures write to; it has one partition.
	topic = "figures"
)

// server is a chronik-server process on an empty directory.
type server struct {
	addr    string
	process *exec.Cmd
	began   time.Time // just before exec
	dir     string
	output  bytes.Buffer
	exited  chan error
}

// startServer starts a process, with nothing set that a user would not have to
// set, and does not wait for it.
func startServer(o options) (*server, error) {
	dir, err := os.MkdirTemp("", "chronik-figures-")
	if err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	s := &server{addr: addr, dir: dir, exited: make(chan error, 1)}
	s.process = exec.Command(o.server, "--kafka-port", port, "--data-dir", filepath.Join(dir, "data"))
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	s.began = time.Now()
	if err := s.process.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", o.server, err), os.RemoveAll(dir))
	}
	go func() { s.exited <- s.process.Wait() }()
	return s, nil
}

// withServer has do measure a server on an empty directory, through its first
// connection.
func withServer(ctx context.Context, o options, do func(*server, net.Conn) error) (err error) {
	s, err := startServer(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(s, conn)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// dial connects as soon as the server listens: it asks again at once, since the
// time until then is what is measured.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	for began := time.Now(); time.Since(began) < startMax; {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			return conn, nil
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return nil, fmt.Errorf("%s ended at its start: %w\n%s", s.process.Path, err, &s.output)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Microsecond):
		}
	}
	return nil, fmt.Errorf("nothing listens on %s after %s", s.addr, startMax)
}

// createTopic has the broker make the topic, as a client's first question does.
func createTopic(conn net.Conn) error {
	_, err := exchange.Locate(conn, topic)
	return err
}

func (s *server) pid() int { return s.process.Process.Pid }

// stop ends the process as Ctrl+C does, and removes its directory.
func (s *server) stop() error {
	err := s.process.Process.Signal(syscall.SIGTERM)
	select {
	case ended := <-s.exited:
		if ended != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w\n%s", s.process.Path, ended, &s.output))
		}
	case <-time.After(stopMax):
		err = errors.Join(err, fmt.Errorf("%s did not stop in %s", s.process.Path, stopMax), s.process.Process.Kill(), <-s.exited)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
