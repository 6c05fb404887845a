package explore

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

const topicName = "t"

// firstIndex is of the entry that creates the cluster. The first registrations follow
// it; all later ones are fenced, as brokers register.
const firstIndex = 1

// version is one image of the metadata, with what a broker makes of it.
type version struct {
	image     *meta.Image
	partition *meta.Partition
	minInsync int
	view      replica.View
}

// metadata decides commands on images, each once.
type metadata struct {
	versions table[*version]
	commands table[controller.Command]
	answers  table[controller.Answer]
	decided  map[[2]ref]decision
	elects   map[electionKey]campaign
}

type decision struct {
	next    ref
	changes bool
}

// electionKey is what a controller knows of an election: an image, and answers (ref+1; 0 for none).
type electionKey struct {
	version ref
	answers [brokers]uint32
}

// campaign is what the controller wants done: whom to ask, and whether to elect.
type campaign struct {
	questions [brokers]bool
	elect     uint32 // ref+1 of the command; 0: none
}

func newMetadata() *metadata {
	return &metadata{
		versions: newTable[*version](), commands: newTable[controller.Command](), answers: newTable[controller.Answer](),
		decided: map[[2]ref]decision{}, elects: map[electionKey]campaign{},
	}
}

// begin is the image in which everything begins: all brokers registered, the topic
// created with broker 0 as its leader.
func (m *metadata) begin(b *Bounds) ref {
	image := new(meta.Image)
	commands := []controller.Command{controller.InitCluster{ID: "explored"}}
	for n := range brokers {
		commands = append(commands, registration(model.NodeID(n), firstIndex+1+uint64(n), 0, false))
	}
	configs := map[string]*string{"min.insync.replicas": new(strconv.Itoa(b.MinInsync))}
	if b.Relaxed {
		configs["flush.messages"] = new("1000000")
	}
	commands = append(commands, controller.CreateTopics{Topics: []controller.CreateTopic{{
		Name: topicName, Partitions: -1, ReplicationFactor: -1,
		Assignments: map[model.Partition][]model.NodeID{0: {0, 1, 2}}, Configs: configs,
	}}})
	for _, c := range commands {
		image = decide(image, c)
	}
	return m.put(image)
}

// registration is of a run that registers at an index of the metadata log. Its
// incarnation is that index, for it is used once.
func registration(node model.NodeID, index uint64, directory uint8, unclean bool) controller.RegisterBroker {
	var incarnation model.Incarnation
	binary.BigEndian.PutUint64(incarnation[:], index)
	return controller.RegisterBroker{
		Node: node, Incarnation: incarnation, Directory: model.DirectoryID{1, byte(node), directory},
		Endpoints: []meta.Endpoint{{Listener: "PLAINTEXT", Host: "explored", Port: 9092, Protocol: "PLAINTEXT"}},
		Fenced:    index > firstIndex+brokers, Unclean: unclean, Supports: meta.Supported,
	}
}

// decide is the image after a command; the same image where it changes nothing.
func decide(image *meta.Image, c controller.Command) *meta.Image {
	index := image.Index + 1
	records, _, err := c.Decide(image, controller.Env{Now: now(), Index: index, NewID: func() model.UUID { return model.UUID{7} }})
	if err != nil || len(records) == 0 {
		return image
	}
	next, err := image.After(records, index)
	if err == nil {
		err = next.Check()
	}
	if err != nil {
		panic("explore: " + c.Name() + " does not fit the image: " + err.Error())
	}
	return next
}

func (m *metadata) put(image *meta.Image) ref {
	key := meta.EncodeSnapshot(image)
	if r, ok := m.versions.refs[string(key)]; ok {
		return r
	}
	topic := image.Topics.ByName(topicName)
	minInsync, err := controller.MinInsync(image, topic)
	if err != nil {
		panic(err) // what AlterConfigs accepts is valid
	}
	v := &version{image: image, partition: &topic.Partitions[0], minInsync: minInsync}
	v.view = replica.ViewOf(v.partition, image.Brokers, v.minInsync)
	return m.versions.put(key, v)
}

// decide carries a command out on a version.
func (m *metadata) decide(v, command ref) decision {
	key := [2]ref{v, command}
	if d, ok := m.decided[key]; ok {
		return d
	}
	image := m.versions.get(v).image
	next := decide(image, m.commands.get(command))
	d := decision{next: v, changes: next != image}
	if d.changes {
		d.next = m.put(next)
	}
	m.decided[key] = d
	return d
}

// proposal names the command that carries a leader's proposal.
func (m *metadata) proposal(b *broker, c *replica.Change) ref {
	key := c.AppendState(binary.AppendVarint([]byte{'p', byte(b.node)}, int64(b.epoch)))
	change := controller.ISRChange{
		Topic: model.UUID{7}, LeaderEpoch: c.LeaderEpoch, PartitionEpoch: c.PartitionEpoch, Lost: slices.Clone(c.Lost),
	}
	for _, member := range c.ISR {
		change.ISR = append(change.ISR, controller.ISRMember{Node: member.Node, BrokerEpoch: member.BrokerEpoch})
	}
	return m.commands.put(key, controller.AlterISR{Node: b.node, BrokerEpoch: b.epoch, Changes: []controller.ISRChange{change}})
}

// proposer, proposedAt and electedAfter are of commands that their callers know the
// kind of.
func (m *metadata) proposer(r ref) model.NodeID { return m.commands.get(r).(controller.AlterISR).Node }

func (m *metadata) proposedAt(r ref) model.PartitionEpoch {
	return m.commands.get(r).(controller.AlterISR).Changes[0].PartitionEpoch
}

func (m *metadata) electedAfter(r ref) model.LeaderEpoch {
	return m.commands.get(r).(controller.ElectLeaders).Elections[0].LeaderEpoch
}

// register names the registration of a broker's next run, after a version.
func (m *metadata) register(after ref, b *broker) ref {
	image := m.versions.get(after).image
	c := registration(b.node, image.Index+1, b.directory, b.unclean)
	if before := image.Brokers.ByID(b.node); before != nil {
		c.Previous = before.Epoch
	}
	key := append([]byte{'r', byte(b.node), b.directory}, c.Incarnation[:]...)
	key = binary.AppendVarint(key, int64(c.Previous))
	if b.unclean {
		key = append(key, 'u')
	}
	return m.commands.put(key, c)
}

// setMinInsync names the command that alters min.insync.replicas.
func (m *metadata) setMinInsync(to int) ref {
	return m.commands.put([]byte{'c', byte(to)}, controller.AlterConfigs{Resources: []controller.AlterResource{{
		Resource: meta.Resource{Type: meta.TopicResource, Name: topicName},
		Ops:      []controller.ConfigOp{{Name: "min.insync.replicas", Value: new(strconv.Itoa(to))}},
	}}})
}

func (m *metadata) fence(node model.NodeID, epoch model.BrokerEpoch, fenced bool) ref {
	key := binary.AppendVarint([]byte{'f', byte(node)}, int64(epoch))
	if fenced {
		return m.commands.put(key, controller.FenceBroker{Node: node, Epoch: epoch})
	}
	return m.commands.put(append(key, 'u'), controller.UnfenceBroker{Node: node, Epoch: epoch})
}

// answer names what a replica tells an election.
func (m *metadata) answer(b *broker, a *replica.Answer) ref {
	item := controller.AnswerItem{
		Topic: model.UUID{7}, LeaderEpoch: a.LeaderEpoch, NormalEpoch: a.NormalEpoch, LogEnd: a.End, HighWatermark: a.HighWatermark, LastEpoch: a.LastEpoch,
	}
	key := []byte{byte(b.node)}
	for _, n := range []int64{int64(b.epoch), int64(a.LeaderEpoch), int64(a.NormalEpoch), int64(a.End), int64(a.LastEpoch)} {
		key = binary.AppendVarint(key, n)
	}
	return m.answers.put(key, controller.Answer{Node: b.node, BrokerEpoch: b.epoch, Items: []controller.AnswerItem{item}})
}

// pursue is what the controller's supervisor wants, given what it has heard.
func (m *metadata) pursue(key electionKey) campaign {
	if c, ok := m.elects[key]; ok {
		return c
	}
	s := controller.NewSupervisor(m.versions.get(key.version).image, now(), controller.Timing{Session: time.Hour, Retry: time.Hour}, false)
	for _, a := range key.answers {
		if a != 0 {
			s.Answer(now(), m.answers.get(a-1))
		}
	}
	var c campaign
	effects := s.Effects()
	for _, q := range effects.Questions {
		c.questions[q.Node] = key.answers[q.Node] == 0
	}
	for _, command := range effects.Commands {
		elect, ok := command.(controller.ElectLeaders)
		if !ok {
			continue
		}
		e := elect.Elections[0]
		k := binary.AppendVarint([]byte{'e', byte(e.Leader)}, int64(e.LeaderEpoch))
		c.elect = m.commands.put(binary.AppendVarint(k, int64(e.BrokerEpoch)), elect) + 1
	}
	m.elects[key] = c
	return c
}
