package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// counters are what a node and its process have counted since they started, or between
// two looks.
type counters map[string]float64

// What is looked at: of /metrics by the names there, which must be on the page, and of the
// process.
const (
	recordsIn   = "kafka_server_brokertopicmetrics_messagesin_total"
	bytesIn     = "kafka_server_brokertopicmetrics_bytesin_total"
	batchesIn   = "kafka_server_brokertopicmetrics_totalproducerequests_total"
	bytesOut    = "kafka_server_brokertopicmetrics_bytesout_total"
	fetches     = "kafka_server_brokertopicmetrics_totalfetchrequests_total"
	syncs       = "chronik_group_commit_appends_count"
	synced      = "chronik_group_commit_appends_sum"
	syncedBytes = "chronik_group_commit_bytes_sum"
	allocated   = "go_memstats_alloc_bytes_total"
	objects     = "go_memstats_mallocs_total"
	collections = "chronik_gc_cycles_total"

	processor   = "processor seconds"
	voluntary   = "voluntary_ctxt_switches"
	involuntary = "nonvoluntary_ctxt_switches"
)

func metricNames() []string {
	return []string{recordsIn, bytesIn, batchesIn, bytesOut, fetches, syncs, synced, syncedBytes, allocated, objects, collections}
}

// count is what a node has counted so far.
func (n *node) count(ctx context.Context) (counters, error) {
	page, err := n.page(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	c, err := parseMetrics(page)
	if err != nil {
		return nil, fmt.Errorf("node %d, /metrics: %w", n.id, err)
	}
	return c, countProcess(n.pid, c)
}

// parseMetrics takes the series without labels that are wanted.
func parseMetrics(page []byte) (counters, error) {
	all := counters{}
	for line := range bytes.Lines(page) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = v
		}
	}
	c := counters{}
	for _, name := range metricNames() {
		v, there := all[name]
		if !there {
			return nil, fmt.Errorf("there is no %s", name)
		}
		c[name] = v
	}
	return c, nil
}

// hundredths is in how many parts of a second Linux counts processor time.
const hundredths = 100

// countProcess adds what the system has counted of a process. The switches of threads that
// have ended are lost; Go ends few.
func countProcess(pid int, c counters) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return err
	}
	// The name of the program, in parentheses, may hold spaces.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const utime, stime = 11, 12 // proc(5), counted from the state
	for _, i := range []int{utime, stime} {
		ticks, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return err
		}
		c[processor] += ticks / hundredths
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return err
	}
	for _, thread := range threads {
		if err := countLines(thread, c, voluntary, involuntary); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// countLines adds the numbers of the lines of a file that have the names given.
func countLines(path string, c counters, names ...string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		for _, wanted := range names {
			if name != wanted {
				continue
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return err
			}
			c[name] += v
		}
	}
	return nil
}

// since is what has been counted after before.
func (c counters) since(before counters) counters {
	d := counters{}
	for name, v := range c {
		d[name] = v - before[name]
	}
	return d
}

// sum adds up nodes.
func sum(nodes []counters) counters {
	s := counters{}
	for _, c := range nodes {
		for name, v := range c {
			s[name] += v
		}
	}
	return s
}
