package main

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// clusterChecks ask what the cluster is and what it serves.
func clusterChecks(s *suiteRun) {
	s.check("cluster: id and endpoints", func(c *check) {
		c.Matches(c.kafka("cluster", "cluster-id"), `^Cluster ID: [A-Za-z0-9_-]{22}$`)
		c.Matches(c.kafka("cluster", "list-endpoints"), `^\d+\s+\S+\s+\d+\s+\S+\s+unfenced\s+broker\s*$`)
	})
	s.check("broker-api-versions: as wide as Kafka 4.3", apiVersions)
	s.check("features: describe, and upgrade to what it is", func(c *check) {
		out := c.kafka("features", "describe")
		c.Matches(out, `^Feature: metadata\.version\s+SupportedMinVersion: \d\.\d-IV\d\s+SupportedMaxVersion: 4\.3-IV0\s+FinalizedVersionLevel: 4\.3-IV0\s+Epoch: [1-9]\d*`)
		c.Matches(c.kafka("features", "upgrade", "--feature", "metadata.version=30"), `^metadata\.version was upgraded to 30\.$`)
		c.Matches(c.kafkaFails("features", "upgrade", "--feature", "metadata.version=32"), `^Could not upgrade metadata\.version to 32\. .*Invalid update version 32 for feature metadata\.version\.`)
	})
	s.check("metadata-quorum describe --status", func(c *check) {
		out := c.kafka("metadata-quorum", "describe", "--status")
		c.Matches(out, `^ClusterId:\s+\S{22}$`, `^LeaderId:\s+\d+$`, `^LeaderEpoch:\s+\d+$`, `^HighWatermark:\s+[1-9]\d*$`,
			`^MaxFollowerLag:\s+0$`, `^CurrentVoters:\s+\[.*"?id"?: ?\d+.*\]$`, `^CurrentObservers:\s+\[.*\]$`)
	})
	s.check("metadata-quorum describe --replication", func(c *check) {
		out := c.kafka("metadata-quorum", "describe", "--replication", "--human-readable")
		c.Matches(out, `^NodeId\s+DirectoryId\s+LogEndOffset\s+Lag`, `^\d+\s+\S{22}\s+[1-9]\d*\s+0\s+.*ms ago.*Leader\s*$`)
		followers := regexp.MustCompile(`(?m)^\d+\s+\S{22}\s+[1-9]\d*\s+\d+\s+.*ms ago.*Follower\s*$`).FindAllString(out, -1)
		c.Equal("followers", len(followers), c.broker.brokers-1)
	})
	s.check("log-dirs --describe", logDirs)
}

// apiVersions compares what is advertised with what Kafka's broker does: never
// more than it knows, and everything old that it takes.
func apiVersions(c *check) {
	out := c.kafka("broker-api-versions")
	line := regexp.MustCompile(`(?m)^\t(\w+\(\d+\)): (\d+)(?: to (\d+))? \[usable: \d+\],?$`)
	served := map[string]api{}
	for _, m := range line.FindAllStringSubmatch(out, -1) {
		first, err := strconv.Atoi(m[2])
		c.NoError(err)
		last := first
		if m[3] != "" {
			last, err = strconv.Atoi(m[3])
			c.NoError(err)
		}
		served[m[1]] = api{name: m[1], min: first, max: last}
	}
	var wrong []string
	for _, want := range kafkaAPIs() {
		got, found := served[want.name]
		switch {
		case !found && want.wanted:
			wrong = append(wrong, want.name+" is not served")
		case found && (got.max != want.max || got.min > want.min):
			wrong = append(wrong, got.String()+", want "+want.String())
		}
	}
	if wrong != nil {
		c.Failf("%s", strings.Join(wrong, "\n"))
	}
}

func (a api) String() string {
	return a.name + ": " + strconv.Itoa(a.min) + " to " + strconv.Itoa(a.max)
}

func logDirs(c *check) {
	topic := c.topic("dirs")
	c.createTopic(topic, "--partitions", "2")
	c.produce(topic, text(numbers(1, 100)))
	out := c.kafka("log-dirs", "--describe", "--topic-list", topic)
	var answer struct {
		Brokers []struct {
			LogDirs []struct {
				LogDir     string
				Error      *string
				Partitions []struct {
					Partition string
					Size      int64
					OffsetLag int64
					IsFuture  bool
				}
			}
		}
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	c.NoError(json.Unmarshal([]byte(lines[len(lines)-1]), &answer))
	var partitions int
	var bytes int64
	for _, b := range answer.Brokers {
		for _, d := range b.LogDirs {
			if d.Error != nil || !strings.HasPrefix(d.LogDir, "/") {
				c.Failf("directory %q: error %v", d.LogDir, d.Error)
			}
			for _, p := range d.Partitions {
				partitions++
				bytes += p.Size
				c.Equal("offset lag of "+p.Partition, p.OffsetLag, 0)
			}
		}
	}
	c.Equal("partitions", partitions, 2*c.broker.replicas())
	if bytes < 300 {
		c.Failf("%d bytes for 100 records", bytes)
	}
}
