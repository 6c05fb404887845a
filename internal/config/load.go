package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/settings"
)

// Surroundings is what is read besides flags and the file. The zero value reads
// nothing: no environment, no host name, and memory of unknown size.
type Surroundings struct {
	Environ  []string
	Hostname func() (string, error) // nil: none
	// Root is the file system's root, for the memory limits in /proc and /sys;
	// nil: none.
	Root fs.FS
}

// RealSurroundings are this process's.
func RealSurroundings() Surroundings {
	return Surroundings{Environ: os.Environ(), Hostname: os.Hostname, Root: os.DirFS("/")}
}

func (s Surroundings) hostname() (string, error) {
	if s.Hostname == nil {
		return "", errors.New("no host name is known")
	}
	return s.Hostname()
}

// Load reads everything and settles it.
func Load(flags *Flags, s Surroundings) (*Config, error) {
	layers, err := readLayers(flags, s)
	if err != nil {
		return nil, err
	}
	var ignored []Ignored
	for _, l := range layers {
		some, err := l.check()
		if err != nil {
			return nil, err
		}
		ignored = addIgnored(ignored, some)
	}
	g, err := merge(layers...)
	if err != nil {
		return nil, err
	}
	listening, err := decideListeners(g, s.hostname)
	if err != nil {
		return nil, err
	}
	clustering, err := decideCluster(g, flags.cluster, listening)
	if err != nil {
		return nil, err
	}
	c := build(g, readMemory(s))
	c.Listeners, c.Cluster = listening.listeners, clustering.cluster
	if c.Admin, err = decideAdmin(g, listening.bound); err != nil {
		return nil, err
	}
	c.Ignored = addIgnored(addIgnored(ignored, listening.ignored), clustering.ignored)
	c.Warnings = append(warnings(g), clustering.warnings...)
	c.Log.NoColor = lookupEnvironment(s.Environ, "NO_COLOR") != ""
	maps.Copy(c.Static, listening.static)
	c.replicate(g)
	return c, c.check()
}

// replicate settles how many replicas a topic has whose creator does not say: what
// the nodes make possible is shown to clients as what was given by naming them.
func (c *Config) replicate(g given) {
	if g.hasAny("default.replication.factor") || c.Cluster == nil {
		return
	}
	nodes := 1 + len(c.Cluster.Peers)
	if !c.Cluster.Bootstrap { // --peers need not name all
		nodes = max(nodes, replicasEnough)
	}
	c.Topics.DefaultReplicationFactor = int16(min(replicasEnough, nodes))
	c.Static["default.replication.factor"] = strconv.Itoa(int(c.Topics.DefaultReplicationFactor))
}

// replicasEnough is how many replicas survive the death of any one node, with a
// majority left.
const replicasEnough = 3

// readLayers reads file, environment and flags, the weakest first.
func readLayers(flags *Flags, s Surroundings) ([]layer, error) {
	fromFlags, err := flags.read()
	if err != nil {
		return nil, err
	}
	fromEnvironment, err := readEnvironment(s.Environ)
	if err != nil {
		return nil, err
	}
	layers := []layer{fromEnvironment, fromFlags}
	file := flags.file
	if file == "" {
		file = lookupEnvironment(s.Environ, configVariable)
	}
	if file == "" {
		return layers, nil
	}
	fromFile, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return append([]layer{fromFile}, layers...), nil
}

// addIgnored merges by reason, each name once.
func addIgnored(to, more []Ignored) []Ignored {
	for _, m := range more {
		i := slices.IndexFunc(to, func(i Ignored) bool { return i.Reason == m.Reason })
		if i < 0 {
			to = append(to, m)
			continue
		}
		to[i].Names = append(to[i].Names, m.Names...)
		slices.Sort(to[i].Names)
		to[i].Names = slices.Compact(to[i].Names)
	}
	return to
}

// warnings finds settings that do nothing, and whose user expects otherwise.
func warnings(g given) []string {
	var all []string
	if v, ok := g.get("authorizer.class.name"); ok {
		all = append(all, v.Origin+": authorizer.class.name is set, and access control is not served yet: every client may do everything")
	}
	return all
}

// whole, duration and truth read values that check has passed.
func whole(g given, name string) int64 {
	n, err := strconv.ParseInt(g.text(name), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("config: BUG: %s is %q after its check", name, g.text(name)))
	}
	return n
}

func duration(g given, name string) time.Duration { return settings.Milliseconds(whole(g, name)) }

func truth(g given, name string) bool { return g.text(name) == "true" }

func build(g given, memory Memory) *Config {
	return &Config{
		NodeID:      nodeID(g),
		Rack:        g.text("broker.rack"),
		DataDir:     dataDir(g),
		LogDirs:     logDirs(g),
		Limits:      limits(g, memory),
		Sockets:     Sockets{SendBufferBytes: int(whole(g, "socket.send.buffer.bytes")), ReceiveBufferBytes: int(whole(g, "socket.receive.buffer.bytes"))},
		Topics:      topics(g),
		Fetch:       fetch(g),
		Groups:      groups(g),
		Offsets:     offsets(g),
		Replication: Replication{LagMax: duration(g, "replica.lag.time.max.ms")},
		Storage:     storage(g),
		Memory:      memory,
		Log:         logging(g),
		Static:      static(g),
	}
}

// nodeID is node.id, or else its older name.
func nodeID(g given) model.NodeID {
	if _, ok := g.get("node.id"); !ok {
		if old := whole(g, "broker.id"); old >= 0 {
			return model.NodeID(old)
		}
	}
	return model.NodeID(whole(g, "node.id"))
}

// dataDir is log.dir, or else the first of log.dirs, where Kafka has its metadata log.
func dataDir(g given) string {
	if _, ok := g.get("log.dir"); !ok {
		if _, ok := g.get("log.dirs"); ok {
			return settings.SplitList(g.text("log.dirs"))[0]
		}
	}
	return g.text("log.dir")
}

// logDirs are log.dirs, or else the data directory.
func logDirs(g given) []string {
	if _, ok := g.get("log.dirs"); ok {
		return settings.SplitList(g.text("log.dirs"))
	}
	return []string{dataDir(g)}
}

func limits(g given, memory Memory) server.Limits {
	l := server.DefaultLimits()
	l.FrameBytesMax = int(whole(g, "socket.request.max.bytes"))
	l.FirstFrameBytesMax = int(whole(g, "sasl.server.max.receive.size"))
	l.RequestMemoryBytesMax = whole(g, "queued.max.request.bytes")
	if l.RequestMemoryBytesMax < 0 {
		l.RequestMemoryBytesMax = memory.forRequests()
	}
	l.ConnectionsMax = int(whole(g, "max.connections"))
	l.ConnectionsPerIPMax = int(whole(g, "max.connections.per.ip"))
	overrides, err := settings.ParseConnectionOverrides(g.text("max.connections.per.ip.overrides"))
	if err != nil {
		panic("config: BUG: max.connections.per.ip.overrides after its check: " + err.Error())
	}
	l.ConnectionsPerIPOverrides = overrides
	l.IdleMax = duration(g, "connections.max.idle.ms")
	return l
}

func topics(g given) Topics {
	return Topics{
		DefaultPartitions:        model.Partition(whole(g, "num.partitions")),
		DefaultReplicationFactor: int16(whole(g, "default.replication.factor")),
		AutoCreate:               truth(g, "auto.create.topics.enable"),
		AllowDelete:              truth(g, "delete.topic.enable"),
		DescribePartitionsMax:    int(whole(g, "max.request.partition.size.limit")),
	}
}

func fetch(g given) Fetch {
	return Fetch{
		BytesMax:    int(whole(g, "fetch.max.bytes")),
		SessionsMax: int(whole(g, "max.incremental.fetch.session.cache.slots")),
		RackAware:   g.text("replica.selector.class") == settings.RackAwareReplicaSelector,
	}
}

func groups(g given) Groups {
	return Groups{
		InitialRebalanceDelay: duration(g, "group.initial.rebalance.delay.ms"),
		SessionTimeoutMin:     duration(g, "group.min.session.timeout.ms"),
		SessionTimeoutMax:     duration(g, "group.max.session.timeout.ms"),
		MembersMax:            int(whole(g, "group.max.size")),
	}
}

func offsets(g given) Offsets {
	return Offsets{
		Partitions:             model.Partition(whole(g, "offsets.topic.num.partitions")),
		ReplicationFactor:      int16(whole(g, "offsets.topic.replication.factor")),
		SegmentBytes:           whole(g, "offsets.topic.segment.bytes"),
		Retention:              time.Duration(whole(g, "offsets.retention.minutes")) * time.Minute,
		RetentionCheckInterval: duration(g, "offsets.retention.check.interval.ms"),
		MetadataBytesMax:       int(whole(g, "offset.metadata.max.bytes")),
	}
}

func storage(g given) Storage {
	return Storage{
		RetentionCheckInterval: duration(g, "log.retention.check.interval.ms"),
		CheckpointInterval:     duration(g, "log.flush.offset.checkpoint.interval.ms"),
		CompactionEnabled:      truth(g, "log.cleaner.enable"),
		CompactionBackoff:      duration(g, "log.cleaner.backoff.ms"),
		CompactionKeyMemoryMax: whole(g, "log.cleaner.dedupe.buffer.size"),
	}
}

func logging(g given) Logging {
	l := Logging{Format: LogFormat(g.text("log.format"))}
	if err := l.Level.UnmarshalText([]byte(g.text("log.level"))); err != nil {
		l.Level = slog.LevelInfo // every name that passes the check is slog's, too
	}
	return l
}

// static are the broker settings that were given, as they count.
func static(g given) map[string]string {
	m := make(map[string]string)
	for _, d := range settings.Broker() {
		if v, ok := g.get(d.Name); ok {
			m[d.Name] = d.Normalize(v.Text)
		}
	}
	return m
}

// check refuses values that contradict each other.
func (c *Config) check() error {
	if c.Groups.SessionTimeoutMin > c.Groups.SessionTimeoutMax {
		return fmt.Errorf("group.min.session.timeout.ms (%d) is above group.max.session.timeout.ms (%d); lower the one or raise the other",
			c.Groups.SessionTimeoutMin.Milliseconds(), c.Groups.SessionTimeoutMax.Milliseconds())
	}
	v, err := settings.Layers{Static: c.Static}.TopicValues()
	if err != nil {
		return err
	}
	if v.MinCompactionLag > v.MaxCompactionLag {
		return fmt.Errorf("log.cleaner.min.compaction.lag.ms (%d) is above log.cleaner.max.compaction.lag.ms (%d); lower the one or raise the other",
			v.MinCompactionLag.Milliseconds(), v.MaxCompactionLag.Milliseconds())
	}
	if int64(v.MaxMessageBytes) > int64(c.Limits.FrameBytesMax) {
		return fmt.Errorf("message.max.bytes (%d) is above socket.request.max.bytes (%d), so that such a batch could never be sent; raise the latter",
			v.MaxMessageBytes, c.Limits.FrameBytesMax)
	}
	for _, dir := range append([]string{c.DataDir}, c.LogDirs...) {
		if strings.ContainsRune(dir, 0) {
			return fmt.Errorf("log.dirs: %q is no name of a directory", dir)
		}
	}
	return nil
}
