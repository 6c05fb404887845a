package meter

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronik/chronik/interop/process"
)

// Node is a process that is watched.
type Node struct {
	ID  int
	PID int
	// Metrics is the URL of what it has for Prometheus; empty: it has nothing.
	Metrics string
}

// Usage is what nodes have used since Begin.
type Usage struct {
	Took             time.Duration
	CPU              time.Duration // of all nodes
	ResidentBytesMax float64       // of the one that had the most
	// SyncsPerSecond is of the node that has synced the most; -1: it is not known.
	SyncsPerSecond float64
}

// Meter watches nodes.
type Meter struct {
	nodes []Node
	began time.Time
	start []point // a node each
}

// New makes a meter, which takes everything from Begin on.
func New(nodes []Node) *Meter { return &Meter{nodes: nodes, start: make([]point, len(nodes))} }

// point is what a node has used since its start.
type point struct {
	ticks, syncs float64
}

// Begin begins anew. A node that has ended is an error, here and in Usage.
func (m *Meter) Begin() error {
	for i, n := range m.nodes {
		if err := process.ForgetMax(n.PID); err != nil {
			return fmt.Errorf("node %d: %w", n.ID, err)
		}
		p, err := look(n)
		if err != nil {
			return err
		}
		m.start[i] = p
	}
	m.began = time.Now()
	return nil
}

// Usage is what was used since Begin.
func (m *Meter) Usage() (Usage, error) {
	u := Usage{Took: time.Since(m.began), SyncsPerSecond: -1}
	for i, n := range m.nodes {
		p, err := look(n)
		if err != nil {
			return u, err
		}
		most, err := process.ResidentBytesMax(n.PID)
		if err != nil {
			return u, ended(n, err)
		}
		const tick = 10 * time.Millisecond
		u.CPU += time.Duration(p.ticks-m.start[i].ticks) * tick
		u.ResidentBytesMax = max(u.ResidentBytesMax, most)
		if n.Metrics != "" {
			u.SyncsPerSecond = max(u.SyncsPerSecond, (p.syncs-m.start[i].syncs)/u.Took.Seconds())
		}
	}
	return u, nil
}

// look sees what a node has used so far.
func look(n Node) (point, error) {
	ticks, err := process.Ticks(n.PID)
	if err != nil {
		return point{}, ended(n, err)
	}
	p := point{ticks: ticks}
	if n.Metrics == "" {
		return p, nil
	}
	p.syncs, err = scrape(n.Metrics, "kafka_log_logflushstats_logflushrateandtimems_count")
	return p, err
}

func ended(n Node, err error) error { return fmt.Errorf("node %d has ended: %w", n.ID, err) }

// Sum is a metric of all nodes that have metrics, and false where none has.
func (m *Meter) Sum(name string) (sum float64, known bool, err error) {
	for _, n := range m.nodes {
		if n.Metrics == "" {
			continue
		}
		value, failure := scrape(n.Metrics, name)
		sum, known, err = sum+value, true, errors.Join(err, failure)
	}
	return sum, known, err
}
