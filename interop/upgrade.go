package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/kafka"
	"github.com/chronik/chronik/interop/steady"
)

// The levels of metadata.version of the release before and of this one, and what Kafka's
// tools call them.
const (
	levelBefore, nameBefore = "29", `4\.2-IV1`
	levelNow, nameNow       = "30", `4\.3-IV0`
)

// recordsMin is far below what is produced while nodes restart.
const recordsMin = 1000

// upgrade is a cluster of two builds.
type upgrade struct {
	*ownCluster
	now    string       // this build
	runs   map[int]bool // the nodes that run it
	load   *steady.Load
	loaded string // the topic that it produces to
	step   int
}

// runUpgrade upgrades three nodes of the release before under load, one by one, takes
// that back, upgrades them again, and raises metadata.version. Of what was acknowledged
// meanwhile all is there in the end.
func runUpgrade(s *suiteRun) {
	if s.tools.previous == "" {
		s.check("left out: these sources have no history, of which the build to upgrade from is made", func(*check) {})
		return
	}
	before := *s.broker
	before.options.server = s.tools.previous
	old := *s
	old.broker = &before
	old.onOwnNodes(nil, func(own *ownCluster) {
		u := &upgrade{ownCluster: own, now: s.broker.options.server, runs: make(map[int]bool)}
		own.check("produce all the time, with acks=all", u.begins)
		if u.load == nil {
			return
		}
		defer u.load.Close()
		own.check("a new node among old ones, of which one is the active controller", u.underAnOldController)
		own.check("a new node takes an old controller's snapshot", u.snapshotOfOld)
		own.check("a new node is the active controller of old ones", u.overOldNodes)
		own.check("an old node takes a new controller's snapshot", u.snapshotOfNew)
		own.check("all nodes are new, at the version before", u.allNew)
		own.check("roll back, node by node", u.rollsBack)
		own.check("upgrade again", u.allNew)
		own.check("features upgrade: metadata.version", u.raises)
		own.check("features downgrade is refused, safe and unsafe", u.refusesToLower)
		own.check("a node of the release before is refused", u.refusesOld)
		own.check("every record that was acknowledged is there", u.readsBack)
	})
}

func (u *upgrade) begins(c *check) {
	topic := c.topic("load")
	c.createTopic(topic, "--partitions", "3", "--replication-factor", "3")
	_, err := u.view.AwaitTopic(c.Ctx, topic, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	u.loaded = topic
	u.load, err = steady.Start(c.Ctx, u.Addrs(), topic)
	c.NoError(err)
}

// restarts stops a node in order, and starts it with this build, or the one before.
func (u *upgrade) restarts(c *check, id int, now bool) {
	_, err := u.Node(id).Stop()
	c.NoError(err)
	server := c.tools.previous
	if now {
		server = u.now
	}
	u.Node(id).Use(server)
	c.NoError(u.Start(c.Ctx, id))
	u.runs[id] = now
	_, err = u.view.AwaitTopic(c.Ctx, u.loaded, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	c.NoError(u.load.GoesOn())
}

// controller is the active one, when all nodes agree on it.
func (u *upgrade) controller(c *check) int {
	id, err := u.view.AwaitController(c.Ctx, 1, 2, 3)
	c.NoError(err)
	return id
}

// works creates a topic, moves a partition of the load's, changes a setting, and produces
// and reads: all that a cluster does has to work with nodes of both builds.
func (u *upgrade) works(c *check) {
	u.step++
	topic := c.topic("step-" + strconv.Itoa(u.step))
	c.createTopic(topic, "--partitions", "3", "--replication-factor", "2", "--config", "retention.ms=3600000")
	_, err := u.view.AwaitTopic(c.Ctx, topic, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	c.produce(topic, text(numbers(1, 500)), "--command-property", "acks=all")
	c.SameLines(c.consume(topic, "500", "--group", topic), numbers(1, 500)...)
	c.kafka("configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config", "retention.ms=7200000")

	// One of the two goes, and the third comes.
	parts, err := u.view.Topic(c.Ctx, 1, topic)
	c.NoError(err)
	target := assignment{Version: 1}
	for p, now := range parts {
		target.Partitions = append(target.Partitions, assigned{Topic: topic, Partition: p, Replicas: []int{now.Replicas[1], 6 - now.Replicas[0] - now.Replicas[1]}})
	}
	data, err := json.Marshal(target)
	c.NoError(err)
	file := filepath.Join(u.Dir, topic+".json")
	c.NoError(os.WriteFile(file, data, 0o600))
	c.kafka("reassign-partitions", "--execute", "--reassignment-json-file", file)
	_, err = u.view.AwaitTopic(c.Ctx, topic, []int{1, 2, 3}, func(now []cluster.Partition) error {
		for p, to := range target.Partitions {
			if fmt.Sprint(now[p].Replicas) != fmt.Sprint(to.Replicas) {
				return fmt.Errorf("partition %d is on %v, and was to be on %v", p, now[p].Replicas, to.Replicas)
			}
		}
		return cluster.Whole(now)
	})
	c.NoError(err)
	c.NoError(u.load.GoesOn())
}

// underAnOldController upgrades a node that is not the active controller.
func (u *upgrade) underAnOldController(c *check) {
	active := u.controller(c)
	node := others(active)[0]
	u.restarts(c, node, true)
	c.Equal("active controller", u.controller(c), active)
	u.works(c)
	u.refusesToRaise(c, node, kerr.UnsupportedVersion, "UpdateFeatures is not known to the node that is the active controller")
}

// snapshotChanges of snapshotBytes each are more of the metadata log than either build keeps:
// 1,000 entries below its last snapshot, which it takes every 4 MiB.
const snapshotChanges, snapshotBytes = 2300, 4000

// snapshotOfOld has the new node need a snapshot of an old controller's.
func (u *upgrade) snapshotOfOld(c *check) {
	active := u.controller(c)
	c.Equal("the controller runs this build", u.runs[active], false)
	for _, id := range others(active) {
		if u.runs[id] {
			u.takesSnapshot(c, id)
		}
	}
}

// snapshotOfNew has an old node need one of a new controller's.
func (u *upgrade) snapshotOfNew(c *check) {
	active := u.controller(c)
	c.Equal("the controller runs this build", u.runs[active], true)
	for _, id := range others(active) {
		if !u.runs[id] {
			u.takesSnapshot(c, id)
			return
		}
	}
	c.Failf("no node runs the release before")
}

// takesSnapshot stops a node until the others do not have the log any more that it lacks.
func (u *upgrade) takesSnapshot(c *check, id int) {
	taken := func() int {
		log, err := os.ReadFile(u.Node(id).LogPath)
		c.NoError(err)
		return strings.Count(string(log), "Metadata snapshot taken from the leader")
	}
	before := taken()
	_, err := u.Node(id).Stop()
	c.NoError(err)
	const setting, week = "retention.ms", 604800000
	zeros := strings.Repeat("0", snapshotBytes) // before a number they mean nothing
	for change := range snapshotChanges {
		c.NoError(u.view.SetTopic(c.Ctx, others(id)[0], u.loaded, setting, zeros+strconv.Itoa(week+change)))
	}
	c.NoError(u.view.SetTopic(c.Ctx, others(id)[0], u.loaded, setting, strconv.Itoa(week)))
	c.NoError(u.Start(c.Ctx, id))
	c.eventually(func() error {
		if taken() == before {
			return fmt.Errorf("node %d has not taken a snapshot", id)
		}
		return nil
	})
	_, err = u.view.AwaitTopic(c.Ctx, u.loaded, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	u.works(c)
}

// refusesToRaise: one node says why, and so does Kafka's tool, which may ask an old one.
func (u *upgrade) refusesToRaise(c *check, node int, code error, words string) {
	got, message, err := u.view.UpdateFeature(c.Ctx, node, "metadata.version", int16(c.Number(levelNow)))
	c.NoError(err)
	if !errors.Is(got, code) || !strings.Contains(message, words) {
		c.Failf("raised by way of node %d: %v, %s", node, got, message)
	}
	out := c.kafkaFails("features", "upgrade", "--feature", "metadata.version="+levelNow)
	c.Matches(out, `^Could not upgrade metadata\.version to `+levelNow+`\. .*(`+words+`|The node does not support UPDATE_FEATURES)`)
}

// overOldNodes restarts old nodes with what they run until the new one is the active
// controller.
func (u *upgrade) overOldNodes(c *check) {
	for range 10 {
		active := u.controller(c)
		if u.runs[active] {
			break
		}
		u.restarts(c, active, false)
	}
	active := u.controller(c)
	c.Equal("it runs this build", u.runs[active], true)
	u.works(c)
	u.refusesToRaise(c, active, kerr.InvalidUpdateVersion, "start a build of release 0.2 or later there.")
}

// described is what the tool says of the features of a new node.
func (u *upgrade) described(c *check) string {
	for id, now := range u.runs {
		if now {
			return c.Exec(c.tools.kafka.Line(u.Node(id).Addr, kafka.Tool{Name: "features", Args: []string{"describe"}}))
		}
	}
	c.Failf("no node runs this build")
	return ""
}

// line is what it says of metadata.version at a level.
func (u *upgrade) line(level string) string {
	return `^Feature: metadata\.version\s+SupportedMinVersion: ` + nameBefore + `\s+SupportedMaxVersion: ` + nameNow + `\s+FinalizedVersionLevel: ` + level + `\s`
}

// allNew upgrades the nodes that are not; it changes no version.
func (u *upgrade) allNew(c *check) {
	for id := 1; id <= cluster.Size; id++ {
		if !u.runs[id] {
			u.restarts(c, id, true)
		}
	}
	c.Matches(u.described(c), u.line(nameBefore))
	u.works(c)
}

// rollsBack has all nodes run the release before again, which finds nothing that it does
// not know.
func (u *upgrade) rollsBack(c *check) {
	for id := 1; id <= cluster.Size; id++ {
		u.restarts(c, id, false)
	}
	u.works(c)
}

func (u *upgrade) raises(c *check) {
	to := []string{"upgrade", "--feature", "metadata.version=" + levelNow}
	// The controller has to have heard of all nodes since it is that.
	c.eventually(func() error {
		out := c.AnyCode(c.kafkaLine("features", append(to, "--dry-run")...))
		if out.Code != 0 {
			return errors.New(out.All())
		}
		return nil
	})
	c.Matches(u.described(c), u.line(nameBefore))
	// What Kafka's release has besides is not served, and all is raised or nothing.
	c.Matches(c.kafkaFails("features", "upgrade", "--release-version", "4.3"), `The feature is not served: metadata\.version is the one that there is`)
	c.Matches(c.kafka("features", to...), `^metadata\.version was upgraded to `+levelNow+`\.$`)
	c.eventually(func() error {
		if out := u.described(c); !strings.Contains(out, "FinalizedVersionLevel: "+strings.ReplaceAll(nameNow, `\`, "")) {
			return errors.New(out)
		}
		return nil
	})
	u.works(c)
}

func (u *upgrade) refusesToLower(c *check) {
	down := []string{"downgrade", "--feature", "metadata.version=" + levelBefore}
	for _, args := range [][]string{down, append(down, "--unsafe")} {
		c.Matches(c.kafkaFails("features", args...), `Unsupported metadata\.version downgrade from `+levelNow+` to `+levelBefore)
	}
	c.Matches(u.described(c), u.line(nameNow))
}

// refusesOld starts the release before on a node's directory: it says why it ends. This
// build goes on from there.
func (u *upgrade) refusesOld(c *check) {
	n := u.Node(2)
	_, err := n.Stop()
	c.NoError(err)
	log := n.LogPath
	n.LogPath = filepath.Join(u.Dir, "refused.log")
	n.Use(c.tools.previous)
	c.NoError(n.Start())
	ended := n.AwaitExit()
	n.LogPath = log
	n.Use(u.now)
	c.Matches(fmt.Sprint(ended), `metadata version 2 is not supported: this version of chronik knows 1; start a later version`)
	c.NoError(u.Start(c.Ctx, n.ID))
	_, err = u.view.AwaitTopic(c.Ctx, u.loaded, []int{1, 2, 3}, cluster.Whole)
	c.NoError(err)
	c.NoError(u.load.GoesOn())
}

func (u *upgrade) readsBack(c *check) {
	ctx, cancel := context.WithTimeout(c.Ctx, propagationMax)
	defer cancel()
	count, err := u.load.ReadBack(ctx)
	c.NoError(err)
	if count < recordsMin {
		c.Failf("%d records were acknowledged", count)
	}
}
