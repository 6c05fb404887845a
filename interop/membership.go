package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/command"
)

// newcomers are nodes that join a cluster of three, and leave it.
type newcomers struct {
	*moves
}

// runMembership has Kafka's tools give votes, take them and forget nodes.
func runMembership(s *suiteRun) {
	dir, err := os.MkdirTemp("", "chronik-membership-")
	defer os.RemoveAll(dir)
	s.onOwnNodes(nil, func(own *ownCluster) {
		n := &newcomers{&moves{own, dir}}
		var fourth *cluster.Node
		own.check("a fourth node joins by any member's address", func(c *check) {
			c.NoError(err)
			fourth = n.joins(c, 4, filepath.Join(own.Dir, "node4"))
		})
		if fourth == nil || !fourth.Running() {
			return
		}
		defer fourth.Kill() //nolint:errcheck // it has left, where all went well
		own.check("metadata-quorum: add-controller", func(c *check) { n.votes(c, fourth) })
		own.check("cluster unregister: refused while there are partitions and a vote", func(c *check) { n.stays(c) })
		own.check("metadata-quorum: remove-controller of the leader, and back", n.removesLeader)
		own.check("cluster unregister: once nothing is left", func(c *check) { n.leaves(c, fourth) })
		own.check("a node whose disk is lost comes back under its id", n.replaced)
	})
}

// joins starts a node with an empty directory, and waits until it serves clients.
func (n *newcomers) joins(c *check, id int, dir string) *cluster.Node {
	member := n.Node(id%cluster.Size + 1)
	node, err := n.Join(c.broker.options.server, id, dir, member)
	c.NoError(err)
	c.NoError(node.Start())
	c.NoError(node.AwaitListening(c.Ctx))
	c.eventually(func() error { return n.quorum(c, id, "Observer") })
	c.eventually(func() error { // its port is bound before it serves
		out := c.kafka("cluster", "list-endpoints")
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^%d\s+\S+\s+\d+\s+\S+\s+unfenced\s+broker\s*$`, id)).MatchString(out) {
			return fmt.Errorf("broker %d does not serve:\n%s", id, out)
		}
		return nil
	})
	return node
}

// quorum is whether a node has a role in the quorum.
func (n *newcomers) quorum(c *check, id int, roles ...string) error {
	out := c.kafka("metadata-quorum", "describe", "--replication")
	found := regexp.MustCompile(fmt.Sprintf(`(?m)^%d\s+\S{22}\s.*\s(%s)\s*$`, id, strings.Join(roles, "|"))).MatchString(out)
	if !found {
		return fmt.Errorf("node %d is not %v:\n%s", id, roles, out)
	}
	return nil
}

// votes gives a node a vote. The tool reads the node's own properties, of which it wants
// to know the directory's id and where its controller's listener is.
func (n *newcomers) votes(c *check, node *cluster.Node) {
	properties := n.file(c, "controller.properties", fmt.Sprintf(
		"process.roles=broker,controller\nnode.id=%d\nlog.dirs=%s\nlisteners=PLAINTEXT://%s,CONTROLLER://%s\n"+
			"controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"+
			"controller.quorum.bootstrap.servers=%s\n", node.ID, node.DataDir, node.Addr, node.ClusterAddr, node.ClusterAddr))
	out := c.kafka("metadata-quorum", "--command-config", properties, "add-controller")
	c.Matches(out, `^Added controller 4 with directory id \S{22} and endpoints`)
	c.eventually(func() error { return n.quorum(c, 4, "Follower", "Leader") })
}

// stays: what holds partitions, or has a vote, is not forgotten.
func (n *newcomers) stays(c *check) {
	c.Matches(c.kafkaFails("cluster", "unregister", "--id", "4"), `node 4 is a voter of the metadata quorum; take its vote first`)
	n.votesNoMore(c, 4)
	topic := c.topic("stays")
	c.createTopic(topic, "--replica-assignment", "4:1:2")
	c.Matches(c.kafkaFails("cluster", "unregister", "--id", "4"), `broker 4 has replicas of 1 partitions, `+topic+`-0 among them`)
	file := n.assignment(c, topic, [][]int{{1, 2, 3}})
	n.execute(c, file)
	n.verified(c, topic, file, 1)
}

// votesNoMore takes a node's vote.
func (n *newcomers) votesNoMore(c *check, id int) {
	directory := n.directory(c, id)
	out := c.kafka("metadata-quorum", "remove-controller", "--controller-id", strconv.Itoa(id), "--controller-directory-id", directory)
	c.Matches(out, fmt.Sprintf(`^Removed +KRaft controller %d with directory id %s`, id, regexp.QuoteMeta(directory)))
	c.eventually(func() error { return n.quorum(c, id, "Observer") })
}

// directory is the id of a node's data directory, as the tool shows it.
func (n *newcomers) directory(c *check, id int) string {
	out := c.kafka("metadata-quorum", "describe", "--replication")
	found := regexp.MustCompile(fmt.Sprintf(`(?m)^%d\s+(\S{22})\s`, id)).FindStringSubmatch(out)
	if found == nil {
		c.Failf("node %d is not in the quorum:\n%s", id, out)
	}
	return found[1]
}

// removesLeader takes the vote of who leads the quorum, and gives it back by our own command.
func (n *newcomers) removesLeader(c *check) {
	leader, err := n.view.AwaitController(c.Ctx, 1, 2, 3)
	c.NoError(err)
	topic := c.topic("led")
	n.assignedTo(c, topic, 1, 2, 3) // and none on the fourth
	n.votesNoMore(c, leader)
	c.produce(topic, text(numbers(1, 10)))
	c.Matches(n.own(c, "add-controller", "--controller-id", strconv.Itoa(leader)), fmt.Sprintf(`^Node %d votes\.$`, leader))
	c.eventually(func() error { return n.quorum(c, leader, "Follower", "Leader") })
	c.Matches(n.own(c, "describe"), `^NODE\s+ROLE\s+LOG END\s+LAG\s+DIRECTORY$`, `^4\s+learner\s+\d+\s+\d+\s+\S{22}$`)
}

// own runs chronik-server quorum.
func (n *newcomers) own(c *check, args ...string) string {
	line := []string{c.broker.options.server, "quorum"}
	return c.Exec(command.Line{Name: "chronik-server quorum", Args: slices.Concat(line, args, []string{"--bootstrap-servers", c.broker.addr})})
}

// leaves has the cluster forget a node, which stops then.
func (n *newcomers) leaves(c *check, node *cluster.Node) {
	c.Matches(c.kafka("cluster", "unregister", "--id", "4"), `^Broker 4 is no longer registered\.$`)
	if err := node.AwaitExit(); err == nil {
		c.Failf("the node that was forgotten ended as if it had been asked to")
	}
	c.Matches(c.kafkaFails("cluster", "unregister", "--id", "4"), `No broker with id 4 found`)
	if out := c.kafka("metadata-quorum", "describe", "--replication"); regexp.MustCompile(`(?m)^4\s`).MatchString(out) {
		c.Failf("the quorum still has it:\n%s", out)
	}
}

// replaced kills a node, whose directory is lost with it.
func (n *newcomers) replaced(c *check) {
	topic := c.topic("replaced")
	n.assignedTo(c, topic, 1, 2, 3)
	records := n.written(c, topic, 1)
	lost := n.Node(3)
	c.NoError(lost.Kill())
	c.NoError(os.RemoveAll(lost.DataDir))
	n.votesNoMore(c, 3)
	n.Rejoin(lost, n.Node(1))
	c.NoError(n.Start(c.Ctx, 3))
	n.whole(c, topic)
	c.Matches(n.own(c, "add-controller", "--controller-id", "3"), `^Node 3 votes\.$`)
	c.Equal("records", n.read(c, topic, 1), records)
	c.NoError(n.Node(1).Kill()) // what the new node has counts
	c.eventually(func() error {
		p, err := n.view.Topic(c.Ctx, 3, topic)
		if err == nil && (p[0].Leader == 1 || p[0].Leader < 1) {
			err = fmt.Errorf("%+v", p[0])
		}
		return err
	})
	c.Equal("records of the new copy", n.read(c, topic, 1), records)
	c.NoError(n.Start(c.Ctx, 1))
	n.whole(c, topic)
}
