package metrics

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// Sources are what a scrape asks, each once, and one after the other. All are
// needed.
type Sources struct {
	Node        model.NodeID
	Incarnation model.Incarnation
	Version     string // of the program

	// Image is the newest metadata that this node has applied; nil before there is
	// any.
	Image       func() *meta.Image
	Quorum      func() quorum.Status
	Server      func() server.Stats
	Requests    func() api.Stats
	Commits     func() storage.CommitStats
	Partitions  Partitions
	Disk        Disk
	LogDirs     []LogDir // may be none
	Elections   *Elections
	Replication *Replication
}

// Disk is the data directory.
type Disk struct {
	Usage func() (vfs.Usage, error)
	// Err is why this or a log directory is fenced; nil where none is.
	Err func() error
}

// LogDir is one of the directories that hold partitions.
type LogDir struct {
	Path  string
	Usage func() (vfs.Usage, error)
}

func (s *Sources) complete() bool {
	return s.Image != nil && s.Quorum != nil && s.Server != nil && s.Requests != nil && s.Commits != nil &&
		s.Partitions != nil && s.Disk.Usage != nil && s.Disk.Err != nil && s.Elections != nil && s.Replication != nil
}

// Metrics writes what Prometheus scrapes. Its methods may be called concurrently.
type Metrics struct {
	sources Sources
	started time.Time

	mu struct {
		sync.Mutex
		requests  map[string]*recent // by the API's name
		commits   recent
		elections recent
		held      int // replicas that there were at the last scrape, to make room for as many
	}
}

// New returns the metrics of a node. It starts nothing.
func New(s Sources) (*Metrics, error) {
	if !s.complete() {
		return nil, errors.New("metrics: a source is missing")
	}
	m := &Metrics{sources: s, started: time.Now()}
	m.mu.requests = make(map[string]*recent)
	return m, nil
}

// ContentType is of what Write writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// writeBytes is how much is gathered before it is written.
const writeBytes = 64 << 10

// Write writes every metric in Prometheus's text format. Its error is w's.
func (m *Metrics) Write(w io.Writer) error {
	s := m.gather(time.Now())
	buffered := bufio.NewWriterSize(w, writeBytes)
	out := &output{w: buffered}
	for _, f := range families() {
		out.write(&f, s)
	}
	return buffered.Flush()
}
