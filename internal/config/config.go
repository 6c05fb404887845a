package config

import (
	"log/slog"
	"time"

	"github.com/chronik/chronik/internal/certificate"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
)

// Config is everything that is settled before a broker starts.
type Config struct {
	NodeID model.NodeID
	// Rack is "" where the broker has none.
	Rack string
	// DataDir has what belongs to the node as a whole, as it was given.
	DataDir string
	// LogDirs are those that hold partitions, as they were given: one at least, each
	// once. The data directory may be one of them.
	LogDirs []string
	// Listeners is not empty, and sorted as they were given. The first is the
	// one that others of the cluster are told of.
	Listeners []Listener
	// Cluster is how the node is one of a cluster; nil where it is a cluster of
	// its own, without a port for other nodes.
	Cluster *Cluster
	Admin   Admin
	// Limits bounds what clients can make the server hold.
	Limits      server.Limits
	Sockets     Sockets
	Topics      Topics
	Fetch       Fetch
	Groups      Groups
	Offsets     Offsets
	Replication Replication
	Storage     Storage
	Memory      Memory
	Log         Logging
	// Static holds the broker settings that were given, by name, as
	// DescribeConfigs shows them (settings.Layers.Static).
	Static map[string]string
	// Ignored lists the given settings that do nothing, by reason.
	Ignored []Ignored
	// Warnings are sentences about what somebody may rely on, or be harmed by:
	// that access is not controlled, or that a port is open to everybody.
	Warnings []string
}

// Listener is one address that clients reach the broker at.
type Listener struct {
	Name     string // upper case, such as PLAINTEXT
	Protocol server.Protocol
	// TLS is nil of a listener that does not speak SSL.
	TLS *certificate.Options
	// Binds are the addresses to open, as host:port: the first must open, the
	// others are opened where this machine has them (::1 besides 127.0.0.1).
	// Where the first has port 0, the others take the port it was given.
	Binds []string
	// AdvertisedHost and AdvertisedPort are what clients are told. Port 0
	// stands for the port that was bound.
	AdvertisedHost string
	AdvertisedPort uint16
	// AdvertiseAuto: each client is told the address that suits it, and
	// AdvertisedHost is "".
	AdvertiseAuto bool
}

// Sockets sizes the buffers of client connections; -1 leaves it to the
// operating system.
type Sockets struct {
	SendBufferBytes    int
	ReceiveBufferBytes int
}

// Topics says how topics come and go.
type Topics struct {
	DefaultPartitions        model.Partition
	DefaultReplicationFactor int16
	AutoCreate               bool
	AllowDelete              bool
	// DescribePartitionsMax bounds one answer to DescribeTopicPartitions.
	DescribePartitionsMax int
}

// Fetch bounds what is fetched.
type Fetch struct {
	BytesMax    int
	SessionsMax int
	// RackAware: consumers are told of a replica in sync in their own rack.
	RackAware bool
}

// Groups bounds the groups of consumers.
type Groups struct {
	InitialRebalanceDelay time.Duration
	SessionTimeoutMin     time.Duration
	SessionTimeoutMax     time.Duration
	MembersMax            int
}

// Offsets is about __consumer_offsets.
type Offsets struct {
	Partitions             model.Partition
	ReplicationFactor      int16
	SegmentBytes           int64
	Retention              time.Duration
	RetentionCheckInterval time.Duration
	MetadataBytesMax       int
}

// Replication is about the replicas of a partition.
type Replication struct {
	// LagMax is how long one may lag before it is no longer in sync.
	LagMax time.Duration
}

// Storage is about what is done with the logs in the background.
type Storage struct {
	RetentionCheckInterval time.Duration
	CheckpointInterval     time.Duration
	CompactionEnabled      bool
	CompactionBackoff      time.Duration
	CompactionKeyMemoryMax int64 // bytes
}

// Memory is what this process may use.
type Memory struct {
	// AvailableBytes is the container's limit, or else the machine's memory;
	// 0 where neither is known.
	AvailableBytes int64
	// GoLimitBytes is what the Go runtime should stay below; 0 to leave it.
	GoLimitBytes int64
}

// LogFormat is how log lines are written.
type LogFormat string

// The log formats.
const (
	LogAuto LogFormat = "auto" // text on a terminal, JSON elsewhere
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Logging says which log lines are written, and how.
type Logging struct {
	Level  slog.Level
	Format LogFormat
	// NoColor is set where NO_COLOR is: no colours, even on a terminal.
	NoColor bool
}

// Ignored are settings of Kafka's that were given and do nothing.
type Ignored struct {
	Reason string
	Names  []string // sorted
}
