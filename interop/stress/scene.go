package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/stress/meter"
)

// scene is where a scenario takes place: a cluster, what watches it, and what was found.
type scene struct {
	options
	ctx      context.Context
	out      io.Writer // figures
	progress io.Writer
	name     string // of the scenario
	cluster  *cluster.Cluster
	view     *cluster.View
	meter    *meter.Meter
	secured  *tls.Config // of clients, where nodes speak TLS as well
	headed   bool        // the table has its head
	broken   []string    // promises
}

// adminOffset is how far above its clients' port chronik has its metrics.
const adminOffset = 10_000

// open starts the nodes.
func (s *scene) open() error {
	err := s.step("start three nodes", func() error { return s.cluster.Start(s.ctx, 1, 2, 3) })
	if err != nil {
		return err
	}
	var nodes []meter.Node
	for _, n := range s.cluster.Nodes {
		watched := meter.Node{ID: n.ID, PID: n.PID()}
		if s.target == "chronik" {
			if watched.Metrics, err = metricsURL(n.Addr); err != nil {
				return err
			}
		}
		nodes = append(nodes, watched)
	}
	s.meter = meter.New(nodes)
	s.view, err = cluster.NewView(s.cluster)
	return err
}

func (s *scene) close() {
	if s.view != nil {
		s.view.Close()
	}
}

func metricsURL(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return "", err
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(number+adminOffset)) + "/metrics", nil
}

// end holds the nodes to what every scenario demands: that they live, stop in order, and
// have logged no error. Kafka's are killed, since the last two of three at once would
// wait for a controller.
func (s *scene) end() error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	err := s.stop()
	for _, n := range s.cluster.Nodes {
		lines, failure := errorsLogged(n.LogPath)
		err = errors.Join(err, failure)
		if len(lines) > 0 {
			s.breakPromise("node %d has logged %d errors, the first: %s", n.ID, len(lines), lines[0])
		}
	}
	return err
}

func (s *scene) stop() error {
	if s.target != "chronik" {
		return s.meter.Begin() // which finds nodes that have ended
	}
	return s.step("stop the nodes", func() error {
		var err error
		asked := s.cluster.Running()
		for _, n := range asked {
			if failure := n.Interrupt(); failure != nil {
				err = errors.Join(err, fmt.Errorf("node %d had ended: %w", n.ID, failure))
			}
		}
		for _, n := range asked {
			err = errors.Join(err, n.AwaitExit())
		}
		return err
	})
}

// breakPromise takes down what must not be.
func (s *scene) breakPromise(format string, args ...any) {
	s.broken = append(s.broken, fmt.Sprintf(format, args...))
}

// note says what is being done.
func (s *scene) note(format string, args ...any) {
	fmt.Fprintf(s.progress, "%s: %s\n", s.name, fmt.Sprintf(format, args...))
}

// sayEvery is how long something may take without a word.
const sayEvery = 2 * time.Second

// step does something that may take long, and says for how long it goes on.
func (s *scene) step(what string, do func() error) error {
	done := make(chan struct{})
	said := make(chan struct{})
	go func() {
		defer close(said)
		tick := time.NewTicker(sayEvery)
		defer tick.Stop()
		for began := time.Now(); ; {
			select {
			case <-tick.C:
				s.note("%s: %.0f s", what, time.Since(began).Seconds())
			case <-done:
				return
			}
		}
	}()
	err := do()
	close(done)
	<-said
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// wait lets some time pass.
func (s *scene) wait(length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}
