package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/process"
)

const (
	kibi = 1 << 10
	mebi = 1 << 20
	// settling is how long nodes are left alone before they are looked at: what work has
	// left to do ends, and memory that is free goes back to the system.
	settling = 20 * time.Second
	// pagesAbove is how far a node's pages are above its clients' port, by default.
	pagesAbove = 10_000
)

// memory is what a node has.
type memory struct {
	anonymous, resident, heap float64 // bytes
	files                     int
}

// settle waits, and takes each node's memory: that of nodes without partitions first.
func (s *scene) settle(ctx context.Context) error {
	if err := wait(ctx, settling); err != nil {
		return err
	}
	now := make(map[int]memory)
	for _, n := range s.cluster.Nodes {
		m, err := look(ctx, n)
		if err != nil {
			return err
		}
		now[n.ID] = m
	}
	if s.empty == nil {
		s.empty = now
		for _, n := range s.cluster.Nodes {
			m := now[n.ID]
			s.line(fmt.Sprintf("node %d without partitions", n.ID), "%8.1f MiB resident, %.1f anonymous, %.1f of it live heap; %d files",
				m.resident/mebi, m.anonymous/mebi, m.heap/mebi, m.files)
		}
		return nil
	}
	for _, n := range s.cluster.Nodes {
		m, before := now[n.ID], s.empty[n.ID]
		each := func(now, before float64) float64 { return (now - before) / kibi / float64(s.count()) }
		s.line(fmt.Sprintf("node %d, memory more a replica", n.ID), "%8.1f KiB anonymous (resident: %.1f, live heap: %.1f)   goal: 20 KiB;  %.1f MiB resident; %d files",
			each(m.anonymous, before.anonymous), each(m.resident, before.resident), each(m.heap, before.heap), m.resident/mebi, m.files)
	}
	return nil
}

// idle watches the nodes while nobody asks anything of them.
func (s *scene) idle(ctx context.Context) error {
	before := make(map[int]float64)
	for _, n := range s.cluster.Nodes {
		ticks, err := process.Ticks(n.PID())
		if err != nil {
			return err
		}
		before[n.ID] = ticks
	}
	began := time.Now()
	if err := wait(ctx, s.o.idle); err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	for _, n := range s.cluster.Nodes {
		ticks, err := process.Ticks(n.PID())
		if err != nil {
			return err
		}
		share := (ticks - before[n.ID]) / process.TicksPerSecond / seconds
		s.line(fmt.Sprintf("node %d, idle", n.ID), "%8.2f %% of a core, over %.0f s   goal: 3 %%", 100*share, seconds)
	}
	return nil
}

// look takes a node's memory. What nobody refers to any more is collected first: the heap
// is what is left, the rest is as large as it has grown.
func look(ctx context.Context, n *cluster.Node) (m memory, err error) {
	if m.resident, err = process.ResidentBytes(n.PID()); err != nil {
		return m, err
	}
	if m.anonymous, err = process.AnonymousBytes(n.PID()); err != nil {
		return m, err
	}
	if m.files, err = process.Files(n.PID()); err != nil {
		return m, err
	}
	if _, err := page(ctx, n, "/debug/pprof/heap?gc=1"); err != nil {
		return m, err
	}
	text, err := page(ctx, n, "/metrics")
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, "go_memstats_heap_alloc_bytes "); found {
			m.heap, err = strconv.ParseFloat(strings.TrimSpace(value), 64)
			return m, err
		}
	}
	return m, fmt.Errorf("node %d does not say how large its heap is", n.ID)
}

// page reads one of a node's pages.
func page(ctx context.Context, n *cluster.Node, path string) (string, error) {
	host, port, err := net.SplitHostPort(n.Addr)
	if err != nil {
		return "", err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, strconv.Itoa(number+pagesAbove))+path, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("node %d: %s: %s", n.ID, path, response.Status)
	}
	return string(text), err
}

// logsLeft says where logs of the topics are left.
func (s *scene) logsLeft() error {
	for _, n := range s.cluster.Nodes {
		entries, err := os.ReadDir(n.DataDir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "many-") {
				return fmt.Errorf("%s is left", filepath.Join(n.DataDir, e.Name()))
			}
		}
	}
	return nil
}
