package comparison

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/internal/bench/result"
)

// fakes are systems that note what is done with them. What they take, and how fast they
// are, follows from their speed; it grows with each turn.
type fakes struct {
	events []string
	open   int // clusters
	fail   string
}

type fakeSystem struct {
	*fakes
	name   string
	speed  float64
	synced bool
	turns  int
}

func (s *fakeSystem) Describe(context.Context) (report.System, error) {
	return report.System{Name: s.name, Version: "1", Synced: s.synced}, s.did("describe")
}

func (s *fakeSystem) Cluster(context.Context) (Cluster, error) {
	if s.open != 0 {
		return nil, errors.New("another cluster is open")
	}
	s.turns++
	s.open++
	return &fakeCluster{fakeSystem: s}, s.did("cluster")
}

var errFake = errors.New("as planned")

func (s *fakeSystem) did(what string) error {
	event := s.name + " " + what
	s.events = append(s.events, event)
	if event == s.fail {
		return errFake
	}
	return nil
}

type fakeCluster struct {
	*fakeSystem
	losses int
	looks  int
}

func (c *fakeCluster) Bootstrap() []string { return []string{c.name} }

func (c *fakeCluster) Start(context.Context) (time.Duration, error) {
	return time.Duration(float64(c.turns) * float64(time.Second) / c.speed), c.did("start")
}

func (c *fakeCluster) Usage() (Usage, error) {
	c.looks++
	return Usage{ResidentBytes: int64(c.turns) * 1e7}, nil
}

func (c *fakeCluster) Settle(context.Context) error { return c.did("settle") }

func (c *fakeCluster) LoseLeader(context.Context) (time.Duration, error) {
	c.losses++
	return time.Duration(c.losses) * time.Second, c.did("lose")
}

func (c *fakeCluster) Close() error {
	c.open--
	return c.did("close")
}

// load answers as one of the systems would.
func (f *fakes) load(systems ...*fakeSystem) Load {
	return func(_ context.Context, bootstrap []string, s Shape) (result.Result, error) {
		for _, system := range systems {
			if system.name != bootstrap[0] {
				continue
			}
			side := result.Side{Name: "produce", Records: int64(1000 * system.speed * float64(system.turns)), Bytes: 1e9}
			side.Latency = result.Latency{P50: 1 / system.speed, P99: 10 / system.speed, Max: 100}
			return result.Result{Name: "produce", Started: time.Now(), Seconds: 10, Sides: []result.Side{side}}, system.did(fmt.Sprint("load ", s.Topic))
		}
		return result.Result{}, errors.New("nobody is there")
	}
}
