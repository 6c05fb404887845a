package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/kafka"
)

// afterwardsPhase stops all nodes, and looks at what they leave behind.
func afterwardsPhase(s *stage) {
	for _, n := range s.cluster.Nodes {
		s.check(fmt.Sprintf("Ctrl+C of node %d: exit 0 in seconds", n.ID), func(c *check) {
			took, err := n.Stop()
			c.NoError(err)
			if took > exitMax {
				c.Failf("it took %s", took)
			}
		})
	}
	for _, topic := range []string{"acks", "round-trip-1", "round-trip-2", "round-trip-3", "needs-three", "leader-dies", "controller-dies", "rolling"} {
		s.check("dump-log: the same batches of "+topic+" on all nodes", func(c *check) { sameBatches(c, topic+"-0") })
	}
	for _, line := range operatorsLines() {
		s.check("log: "+line.String(), func(c *check) {
			if !slices.ContainsFunc(c.loggedSomewhere(line.message, line.attrs...), func(l logLine) bool { return l.level == line.level }) {
				c.Failf("none of them is of level %s", line.level)
			}
		})
	}
	s.check("log: no ERROR, and nothing but log lines", func(c *check) {
		for _, n := range s.cluster.Nodes {
			for _, line := range c.log(n) {
				if line.level != "DEBUG" && line.level != "INFO" && line.level != "WARN" {
					c.Failf("node %d: %s", n.ID, line.text)
				}
			}
		}
	})
}

// segmentFiles are the logs of a partition on a node, as dump-log takes them.
func segmentFiles(c *check, n *cluster.Node, partition string) string {
	files, err := filepath.Glob(filepath.Join(n.DataDir, partition, "*.log"))
	c.NoError(err)
	if files == nil {
		c.Failf("node %d has no segments of %s in %s", n.ID, partition, n.DataDir)
	}
	return strings.Join(files, ",")
}

// sameBatches has Kafka's dump-log read a partition on every node, which are stopped:
// every batch is valid, and there are the same records in the same batches on all.
func sameBatches(c *check, partition string) {
	batch := regexp.MustCompile(`(?m)^(?:baseOffset: .*|\| offset: .*)$`)
	place := regexp.MustCompile(` position: \d+`) // segments may begin elsewhere
	var first []string
	for _, n := range c.cluster.Nodes {
		out := c.Exec(c.tools.Line("", kafka.Tool{Name: "dump-log", Local: true,
			Args: []string{"--print-data-log", "--deep-iteration", "--files", segmentFiles(c, n, partition)}}))
		c.Lacks(out, `isvalid: false`, `^Found `, `Missing offset`, `Non-consecutive`)
		var batches []string
		for _, line := range batch.FindAllString(out, -1) {
			batches = append(batches, place.ReplaceAllString(line, ""))
		}
		if first == nil {
			first = batches
		}
		if len(batches) == 0 || !slices.Equal(batches, first) {
			c.Failf("node %d has\n%s\nand another\n%s", n.ID, strings.Join(batches, "\n"), strings.Join(first, "\n"))
		}
	}
}
