package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/kafka"
)

func installMoves(ctx context.Context, t *tools) error {
	return errors.Join(installKafka(ctx, t), installKcat(ctx, t))
}

// moves is a cluster of which partitions move, and a directory of the files that say where to.
type moves struct {
	*ownCluster
	dir string
}

// assignment is what Kafka's tool reads and prints.
type assignment struct {
	Version    int        `json:"version"`
	Partitions []assigned `json:"partitions"`
}

type assigned struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Replicas  []int  `json:"replicas"`
	// LogDirs are of each replica; none: any.
	LogDirs []string `json:"log_dirs,omitempty"`
}

// runMoves has Kafka's tools move partitions and elect the first of their replicas.
func runMoves(s *suiteRun) {
	// A node that hangs is a member for so long, which is longer than the tool takes to
	// give it a replica. Of one that is killed the others know at once.
	flags := func(int) []string { return []string{"-o", "broker.session.timeout.ms=30000"} }
	dir, err := os.MkdirTemp("", "chronik-moves-")
	defer os.RemoveAll(dir)
	s.onOwnNodes(flags, func(own *ownCluster) {
		m := &moves{own, dir}
		own.check("reassign-partitions: generate", func(c *check) {
			c.NoError(err)
			m.generates(c)
		})
		own.check("reassign-partitions: execute and verify", m.movesAll)
		own.check("reassign-partitions: a replication factor of 3, and of 1", m.changesFactor)
		own.check("reassign-partitions: throttles", m.throttles)
		own.check("reassign-partitions: throttles of a cancelled move", m.throttlesCancelled)
		own.check("configs: throttles of one broker and of all", m.throttlesByHand)
		own.check("reassign-partitions: list and cancel what waits for a node", m.cancels)
		own.check("leader-election: preferred", m.electsFirst)
		own.check("balance: Kafka's tools see what it did", m.balances)
	})
}

// generates has the tool propose replicas, for which it asks for racks and settings.
func (m *moves) generates(c *check) {
	topic := c.topic("generate")
	now := m.spread(c, topic, 3, 2)
	topics := m.file(c, topic, fmt.Sprintf(`{"version":1,"topics":[{"topic":%q}]}`, topic))
	out := c.kafka("reassign-partitions", "--generate", "--topics-to-move-json-file", topics, "--broker-list", "1,2,3")
	c.Matches(out, `^Current partition replica assignment$`, `^Proposed partition reassignment configuration$`)
	printed := assignments(c, out)
	c.Equal("assignments", len(printed), 2)
	c.Equal("current assignment", printed[0].replicas(topic), now)
	proposed := printed[1].replicas(topic)
	c.Equal("proposed partitions", len(proposed), 3)
	for p, nodes := range proposed {
		if len(nodes) != 2 || nodes[0] == nodes[1] || slices.Min(nodes) < 1 || slices.Max(nodes) > cluster.Size {
			c.Failf("partition %d: replicas %v are proposed", p, nodes)
		}
	}
}

// movesAll gives each partition another replica, and another preferred leader.
func (m *moves) movesAll(c *check) {
	topic := c.topic("all")
	before := m.spread(c, topic, 3, 2)
	records := m.written(c, topic, 3)
	target := make([][]int, len(before))
	for p, nodes := range before {
		for _, n := range nodes {
			target[p] = append(target[p], n%cluster.Size+1)
		}
	}
	file := m.assignment(c, topic, target)
	out := m.execute(c, file)
	c.Equal("assignment to roll back to", assignments(c, out)[0].replicas(topic), before)
	c.Matches(out, fmt.Sprintf(`^Successfully started partition reassignments for %[1]s-0,%[1]s-1,%[1]s-2$`, topic))
	m.verified(c, topic, file, 3)
	m.described(c, topic, target)
	c.Equal("records", m.read(c, topic, 3), records)

	// What moved away can come back.
	back := m.assignment(c, topic, before)
	m.execute(c, back)
	m.verified(c, topic, back, 3)
	m.described(c, topic, before)
	c.Equal("records after the way back", m.read(c, topic, 3), records)
}

// changesFactor adds a replica, and has the last one be alone: the leader hands over.
func (m *moves) changesFactor(c *check) {
	topic := c.topic("factor")
	m.assignedTo(c, topic, 1, 2)
	records := m.written(c, topic, 1)
	for _, replicas := range [][]int{{1, 2, 3}, {3}} {
		file := m.assignment(c, topic, [][]int{replicas})
		c.Matches(m.execute(c, file), `^Successfully started partition reassignment for `+topic+`-0$`)
		m.verified(c, topic, file, 1)
		m.described(c, topic, [][]int{replicas})
		c.Equal(fmt.Sprint("records on ", replicas), m.read(c, topic, 1), records)
	}
	for _, node := range others(3) { // whose disks are to be free again
		c.eventually(func() error {
			size, err := m.view.Bytes(c.Ctx, node, topic)
			if err == nil && size > 0 {
				err = fmt.Errorf("node %d is no replica, and has %d bytes", node, size)
			}
			return err
		})
	}
}

// cancels gives a replica to a node that does not come to it. The tool gives none to a
// node that is known to be down; so this one hangs at first, and is killed then.
func (m *moves) cancels(c *check) {
	stays, err := m.view.AwaitController(c.Ctx, 1, 2, 3)
	c.NoError(err)
	goes, comes := others(stays)[0], others(stays)[1]
	topic := c.topic("cancel")
	m.assignedTo(c, topic, stays, goes)
	records := m.written(c, topic, 1)
	file := m.assignment(c, topic, [][]int{{stays, comes}})
	list := func() string { return c.kafka("reassign-partitions", "--list") }
	under := fmt.Sprintf(`^%s-0: replicas: %d,%d,%d\. adding: %[3]d\. removing: %[4]d\.$`, topic, stays, comes, goes)

	c.NoError(m.Node(comes).Pause())
	// Whichever node the tool asks first, it is to ask another before the session is over.
	impatient := m.file(c, "impatient", "request.timeout.ms=3000\n")
	execute := kafka.Tool{Name: "reassign-partitions", Args: []string{"--command-config", impatient, "--execute", "--reassignment-json-file", file}}
	c.Matches(c.Exec(c.tools.kafka.Line(m.Node(stays).Addr, execute)), `^Successfully started partition reassignment for `+topic+`-0$`)
	c.NoError(m.Node(comes).Kill())
	c.Matches(list(), `^Current partition reassignments:$`, under)
	c.Matches(c.kafka("reassign-partitions", "--verify", "--reassignment-json-file", file),
		`^Reassignment of partition `+topic+`-0 is still in progress\.$`)
	c.Matches(c.kafka("topics", "--describe", "--topic", topic), fmt.Sprintf(`\tAdding Replicas: %d\tRemoving Replicas: %d\t`, comes, goes))

	// The tool waits a minute for a node that is down to clear the throttles there, and fails.
	cancel := []string{"--cancel", "--preserve-throttles", "--reassignment-json-file", file}
	c.Matches(c.kafka("reassign-partitions", cancel...), `^Successfully cancelled partition reassignment for: `+topic+`-0$`)
	c.Matches(list(), `^No partition reassignments found\.$`)
	c.Matches(c.kafka("reassign-partitions", cancel...), `^None of the specified partition reassignments are active\.$`)
	m.described(c, topic, [][]int{{stays, goes}})
	c.Equal("records after the cancelled move", m.read(c, topic, 1), records)

	c.NoError(m.Start(c.Ctx, comes))
	m.everywhere(c, topic)
	m.execute(c, file)
	m.verified(c, topic, file, 1)
	m.described(c, topic, [][]int{{stays, comes}})
	c.Equal("records after the move", m.read(c, topic, 1), records)
}

// electsFirst has a node that was killed lead again what it is the first replica of.
func (m *moves) electsFirst(c *check) {
	topic := c.topic("preferred")
	replicas := m.spread(c, topic, 3, 3)
	records := m.written(c, topic, 3)
	first := replicas[0][0]
	named := []string{"--election-type", "preferred", "--topic", topic, "--partition", "0"}
	c.NoError(m.Node(first).Kill())
	_, err := m.view.AwaitTopic(c.Ctx, topic, others(first), func(p []cluster.Partition) error {
		if p[0].Leader < 1 || p[0].Leader == first || slices.Contains(p[0].ISR, first) {
			return fmt.Errorf("node %d is down: %+v", first, p[0])
		}
		return nil
	})
	c.NoError(err)
	c.Matches(c.kafkaFails("leader-election", named...), `PreferredLeaderNotAvailableException`)

	c.NoError(m.Start(c.Ctx, first))
	m.everywhere(c, topic)
	if leaders := m.described(c, topic, replicas); leaders[0] == first {
		c.Failf("node %d leads before it is elected", first)
	}
	all := []string{"--election-type", "preferred", "--all-topic-partitions"}
	c.Matches(c.kafka("leader-election", all...), `^Successfully completed leader election \(PREFERRED\) for partitions .*\b`+topic+`-0\b`)
	c.eventually(func() error {
		for p, leader := range m.described(c, topic, replicas) {
			if leader != replicas[p][0] {
				return fmt.Errorf("partition %d: node %d leads, of %v", p, leader, replicas[p])
			}
		}
		return nil
	})
	c.Matches(c.kafka("leader-election", named...), `^Valid replica already elected for partitions `+topic+`-0$`)
	c.Equal("records", m.read(c, topic, 3), records)
}

// spread creates a topic, of which the broker chooses the replicas; they are returned.
func (m *moves) spread(c *check, topic string, partitions, factor int) [][]int {
	c.createTopic(topic, "--partitions", strconv.Itoa(partitions), "--replication-factor", strconv.Itoa(factor))
	var replicas [][]int
	for _, p := range m.everywhere(c, topic) {
		replicas = append(replicas, p.Replicas)
	}
	return replicas
}

// assignedTo creates a topic of one partition on certain nodes.
func (m *moves) assignedTo(c *check, topic string, nodes ...int) {
	c.createTopic(topic, "--replica-assignment", joined(nodes, ":"))
	m.everywhere(c, topic)
}

// everywhere waits until all nodes know a topic, and its replicas are in sync.
func (m *moves) everywhere(c *check, topic string) []cluster.Partition {
	p, err := m.view.AwaitTopic(c.Ctx, topic, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	return p
}

// written produces to each partition with acks=all, and returns what read does.
func (m *moves) written(c *check, topic string, partitions int) string {
	var lines []string
	for p := range partitions {
		some := numbers(1000*p+1, 1000*p+1000)
		c.kcat(text(some), "-P", "-t", topic, "-p", strconv.Itoa(p), "-X", "topic.request.required.acks=-1")
		lines = append(lines, some...)
	}
	records := m.read(c, topic, partitions)
	var values []string
	for record := range strings.Lines(records) {
		values = append(values, strings.Fields(record)[3])
	}
	c.Equal("records before", text(values), text(lines))
	return records
}

// read are all records, a line each, with partitions, offsets and times.
func (m *moves) read(c *check, topic string, partitions int) string {
	var all strings.Builder
	for p := range partitions {
		all.WriteString(c.kcat("", "-C", "-t", topic, "-p", strconv.Itoa(p), "-o", "beginning", "-e", "-q", "-f", `%p %o %T %s\n`))
	}
	return all.String()
}

func (m *moves) execute(c *check, file string) string {
	return c.kafka("reassign-partitions", "--execute", "--reassignment-json-file", file)
}

// verified waits until the tool says that all partitions have moved.
func (m *moves) verified(c *check, topic, file string, partitions int) {
	c.eventually(func() error {
		out := c.kafka("reassign-partitions", "--verify", "--reassignment-json-file", file)
		for p := range partitions {
			if !strings.Contains(out, fmt.Sprintf("\nReassignment of partition %s-%d is completed.\n", topic, p)) {
				return fmt.Errorf("partition %d has not moved:\n%s", p, out)
			}
		}
		return nil
	})
}

// described waits until the tool describes a topic with these replicas, all in sync, and
// with none that comes or goes. It returns who leads.
func (m *moves) described(c *check, topic string, replicas [][]int) (leaders []int) {
	c.eventually(func() error {
		leaders = nil
		out := c.kafka("topics", "--describe", "--topic", topic)
		for p, nodes := range replicas {
			line := fmt.Sprintf(`(?m)^\tTopic: %s\tPartition: %d\tLeader: (\d+)\tReplicas: %s\tIsr: ([\d,]+)\tElr:`, topic, p, joined(nodes, ","))
			found := regexp.MustCompile(line).FindStringSubmatch(out)
			if found == nil {
				return fmt.Errorf("partition %d is not led, on %v alone:\n%s", p, nodes, out)
			}
			var inSync []int
			for id := range strings.SplitSeq(found[2], ",") {
				inSync = append(inSync, c.Number(id))
			}
			leader := c.Number(found[1])
			if !slices.Contains(nodes, leader) || !slices.Equal(slices.Sorted(slices.Values(inSync)), slices.Sorted(slices.Values(nodes))) {
				return fmt.Errorf("partition %d is not in sync on %v:\n%s", p, nodes, out)
			}
			leaders = append(leaders, leader)
		}
		return nil
	})
	return leaders
}

// assignment makes a file of the replicas that a topic's partitions are to have.
func (m *moves) assignment(c *check, topic string, replicas [][]int) string {
	target := assignment{Version: 1}
	for p, nodes := range replicas {
		target.Partitions = append(target.Partitions, assigned{Topic: topic, Partition: p, Replicas: nodes})
	}
	data, err := json.Marshal(target)
	c.NoError(err)
	return m.file(c, fmt.Sprint(topic, "-to-", joined(slices.Concat(replicas...), "-")), string(data))
}

func (m *moves) file(c *check, name, content string) string {
	path := filepath.Join(m.dir, name)
	c.NoError(os.WriteFile(path, []byte(content), 0o600))
	return path
}

// assignments are those that the tool has printed, a line each.
func assignments(c *check, out string) []assignment {
	var all []assignment
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var a assignment
		c.NoError(json.Unmarshal([]byte(line), &a))
		all = append(all, a)
	}
	return all
}

// replicas are those of a topic's partitions, in order of their numbers.
func (a assignment) replicas(topic string) [][]int {
	var replicas [][]int
	for p := range a.Partitions {
		for _, of := range a.Partitions {
			if of.Topic == topic && of.Partition == p {
				replicas = append(replicas, of.Replicas)
			}
		}
	}
	return replicas
}

func joined(nodes []int, by string) string {
	var ids []string
	for _, n := range nodes {
		ids = append(ids, strconv.Itoa(n))
	}
	return strings.Join(ids, by)
}
