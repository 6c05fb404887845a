package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// runLogDirs has Kafka's tools look at nodes with two log directories each, and move
// partitions between them, and to other nodes at the same time.
func runLogDirs(s *suiteRun) {
	dir, err := os.MkdirTemp("", "chronik-logdirs-")
	defer os.RemoveAll(dir)
	logDir := func(node, disk int) string {
		return filepath.Join(dir, fmt.Sprint("node", node), fmt.Sprint("disk", disk))
	}
	flags := func(id int) []string {
		return []string{"-o", "log.dirs=" + logDir(id, 1) + "," + logDir(id, 2), "-o", "log.segment.bytes=1048576"}
	}
	s.onOwnNodes(flags, func(own *ownCluster) {
		l := &logDirMoves{&moves{own, dir}, logDir}
		own.check("log-dirs: two directories a node", func(c *check) {
			c.NoError(err)
			l.describes(c)
		})
		own.check("reassign-partitions: to another directory", l.movesHere)
		own.check("reassign-partitions: to another node's directory", l.movesElsewhere)
	})
}

type logDirMoves struct {
	*moves
	logDir func(node, disk int) string
}

func (l *logDirMoves) describes(c *check) {
	topic := c.topic("described")
	l.spread(c, topic, 4, 3)
	for node := 1; node <= 3; node++ {
		found := l.directories(c, topic, node)
		for disk := 1; disk <= 2; disk++ {
			if len(found[l.logDir(node, disk)]) == 0 {
				c.Failf("node %d has nothing in %s: %v", node, l.logDir(node, disk), found)
			}
		}
	}
}

// directories are the partitions of a topic in a node's directories.
func (l *logDirMoves) directories(c *check, topic string, node int) map[string][]string {
	out := c.kafka("log-dirs", "--describe", "--broker-list", fmt.Sprint(node), "--topic-list", topic)
	var described struct {
		Brokers []struct {
			LogDirs []struct {
				LogDir     string  `json:"logDir"`
				Error      *string `json:"error"`
				Partitions []struct {
					Partition string `json:"partition"`
					IsFuture  bool   `json:"isFuture"`
				} `json:"partitions"`
			} `json:"logDirs"`
		} `json:"brokers"`
	}
	c.NoError(json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &described))
	found := make(map[string][]string)
	for _, d := range described.Brokers[0].LogDirs {
		if d.Error != nil {
			c.Failf("%s: %s", d.LogDir, *d.Error)
		}
		for _, p := range d.Partitions {
			name := p.Partition
			if p.IsFuture {
				name += " to come"
			}
			found[d.LogDir] = append(found[d.LogDir], name)
		}
	}
	return found
}

// movesHere moves all replicas of a partition to the first disk and then to the second,
// slowly, while it is written to.
func (l *logDirMoves) movesHere(c *check) {
	topic := c.topic("here")
	l.assignedTo(c, topic, 1, 2, 3)
	l.written(c, topic, 1)
	sent := 0
	for disk := 1; disk <= 2; disk++ {
		file := l.target(c, topic, []int{1, 2, 3}, disk)
		out := c.kafka("reassign-partitions", "--execute", "--replica-alter-log-dirs-throttle", "200000", "--reassignment-json-file", file)
		c.Matches(out, `^Successfully started partition reassignment for `+topic+`-0$`)
		for began := time.Now(); time.Since(began) < 2*time.Second; sent += 500 {
			c.kcat(text(numbers(sent+1, sent+500)), "-P", "-t", topic, "-p", "0", "-X", "topic.request.required.acks=-1")
		}
		l.movedTo(c, topic, file, []int{1, 2, 3}, disk)
	}
	var values []string
	for record := range strings.Lines(l.read(c, topic, 1)) {
		values = append(values, strings.Fields(record)[3])
	}
	c.Equal("records", text(values), text(append(numbers(1, 1000), numbers(1, sent)...)))
}

// movesElsewhere gives a partition another replica, with a directory for it.
func (l *logDirMoves) movesElsewhere(c *check) {
	topic := c.topic("elsewhere")
	l.assignedTo(c, topic, 1, 2)
	records := l.written(c, topic, 1)
	for disk := 1; disk <= 2; disk++ {
		nodes := []int{3, disk}
		file := l.target(c, topic, nodes, disk)
		l.execute(c, file)
		l.movedTo(c, topic, file, nodes, disk)
		c.Equal("records", l.read(c, topic, 1), records)
	}
}

// target is a file that puts a topic's one partition on nodes, there in one of the disks.
func (l *logDirMoves) target(c *check, topic string, nodes []int, disk int) string {
	to := assignment{Version: 1, Partitions: []assigned{{Topic: topic, Replicas: nodes}}}
	for _, node := range nodes {
		to.Partitions[0].LogDirs = append(to.Partitions[0].LogDirs, l.logDir(node, disk))
	}
	data, err := json.Marshal(to)
	c.NoError(err)
	return l.file(c, fmt.Sprint(topic, "-to-", joined(nodes, "-"), "-disk", disk), string(data))
}

// movedTo waits until the tool says that all is done, and looks.
func (l *logDirMoves) movedTo(c *check, topic, file string, nodes []int, disk int) {
	c.eventually(func() error {
		out := c.kafka("reassign-partitions", "--verify", "--reassignment-json-file", file)
		for _, node := range nodes {
			if !strings.Contains(out, fmt.Sprintf("Reassignment of replica %s-0-%d completed successfully.", topic, node)) {
				return fmt.Errorf("the replica of node %d has not moved:\n%s", node, out)
			}
		}
		return nil
	})
	l.verified(c, topic, file, 1)
	for _, node := range nodes {
		c.Equal(fmt.Sprint("directories of node ", node), fmt.Sprint(l.directories(c, topic, node)),
			fmt.Sprint(map[string][]string{l.logDir(node, disk): {topic + "-0"}}))
	}
}
