package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/payload"
)

// shape is a kind of load.
type shape struct {
	name, what string
	partitions int
	plan       load.Plan
}

// shapes are those that there are. Each asks something else of the nodes: many requests
// in few batches, many bytes, many records, nothing but speed, and reading.
func shapes() []shape {
	callers := produce(256)
	callers.Concurrency = 128
	one := produce(256)
	small := flood(100)
	consume := produce(1024)
	consume.Mode = load.Consume
	return []shape{
		{"callers", "128 callers that wait for each record of 256 B, 12 partitions", 12, callers},
		{"large", "records of 1 KiB without waiting, 12 partitions", 12, flood(1024)},
		{"small", "records of 100 B without waiting, 6 partitions", 6, small},
		{"one", "one caller that waits for each record of 256 B, 1 partition", 1, one},
		{"consume", "records of 1 KiB are read again and again, 12 partitions", 12, consume},
	}
}

// produce is one caller's records, acknowledged by all that are in sync.
func produce(bytes int) load.Plan {
	return load.Plan{
		Mode: load.Produce, Concurrency: 1, Clients: 1, Buffered: 10_000, Acks: -1, InFlight: 5,
		DeliveryTimeout: 30 * time.Second, Compression: "none", Partitioner: "sticky",
		Shape: payload.Shape{Size: bytes, Pattern: payload.Random},
	}
}

func flood(bytes int) load.Plan {
	p := produce(bytes)
	p.Async = true
	return p
}

func shapeNamed(name string) (shape, bool) {
	for _, s := range shapes() {
		if s.name == name {
			return s, true
		}
	}
	return shape{}, false
}

// shapeLines is what the shapes are, one a line.
func shapeLines() string {
	var lines []string
	for _, s := range shapes() {
		lines = append(lines, fmt.Sprintf("%-8s %s", s.name, s.what))
	}
	return strings.Join(lines, "\n")
}
