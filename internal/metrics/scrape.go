package metrics

import (
	"strconv"
	"time"

	"github.com/chronik/chronik/internal/api"
	"github.com/chronik/chronik/internal/histogram"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/storage"
)

// scrape is all that one scrape tells, from one look at each source.
type scrape struct {
	node    model.NodeID
	version string
	now     time.Time
	started time.Time

	cluster  cluster
	quorum   quorum.Status
	server   server.Stats
	requests []requests
	topics   api.Stats
	commits  storage.CommitStats
	disk     disk
	logDirs  []logDirUsage
	process  process

	elections, latelyElections, latelyCommits histogram.Snapshot

	unclean int64 // elections

	replicas    replicas
	replication replication
}

// requests are those of one API.
type requests struct {
	api.RequestStats
	lately histogram.Snapshot
}

type disk struct {
	total, free float64 // bytes
	known       bool
	fenced      bool
}

// logDirUsage is of the file system that a log directory is on, in bytes.
type logDirUsage struct {
	path        string
	total, free float64
}

type replication struct {
	shrunk, expanded, refused, received, sent int64
	receivedThrottled, sentThrottled, waiting int64
}

// gather asks every source once.
func (m *Metrics) gather(now time.Time) *scrape {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := &m.sources
	s := &scrape{
		node: from.Node, version: from.Version, now: now, started: m.started,
		cluster: clusterOf(from.Image(), from.Node, from.Incarnation), quorum: from.Quorum(), server: from.Server(),
		topics: from.Requests(), commits: from.Commits(), process: thisProcess(),
		elections: from.Elections.took.Snapshot(), unclean: from.Elections.unclean.Load(),
	}
	for _, r := range s.topics.Requests {
		if m.mu.requests[r.Name] == nil {
			m.mu.requests[r.Name] = new(recent)
		}
		s.requests = append(s.requests, requests{r, m.mu.requests[r.Name].of(r.Took, now)})
	}
	s.latelyCommits = m.mu.commits.of(s.commits.Took, now)
	s.latelyElections = m.mu.elections.of(s.elections, now)
	s.disk.fenced = from.Disk.Err() != nil
	if u, err := from.Disk.Usage(); err == nil {
		s.disk.known, s.disk.total, s.disk.free = true, float64(u.TotalBytes), float64(u.FreeBytes)
	}
	for _, dir := range from.LogDirs {
		if u, err := dir.Usage(); err == nil {
			s.logDirs = append(s.logDirs, logDirUsage{dir.Path, float64(u.TotalBytes), float64(u.FreeBytes)})
		}
	}
	r := from.Replication
	s.replication = replication{
		r.shrunk.Load(), r.expanded.Load(), r.refused.Load(), r.received.Load(), r.sent.Load(),
		r.receivedThrottled.Load(), r.sentThrottled.Load(), r.waiting.Load(),
	}
	s.replicas.each = make([]replica, 0, m.mu.held)
	s.replicas.look(from.Partitions, from.Node)
	m.mu.held = len(s.replicas.each)
	return s
}

// replicas are those that this node holds.
type replicas struct {
	each      []replica
	followers []Follower // of all, in the order of each

	leading, offline, underReplicated, underMinInsync, atMinInsync int
}

// replica is a Partition as it is kept over a scrape.
type replica struct {
	Partition // without Followers
	number    string
	leading   bool
	followers int // how many of replicas.followers are its
}

func (r *replicas) look(all Partitions, node model.NodeID) {
	for p := range all {
		kept := replica{Partition: *p, number: strconv.Itoa(int(p.Partition)), leading: p.Leader == node, followers: len(p.Followers)}
		kept.Followers = nil
		r.each = append(r.each, kept)
		r.followers = append(r.followers, p.Followers...)
		if p.Offline != nil {
			r.offline++
		}
		if !kept.leading {
			continue
		}
		r.leading++
		if p.UnderReplicated() {
			r.underReplicated++
		}
		if kept.underMinInsync() {
			r.underMinInsync++
		}
		if kept.atMinInsync() {
			r.atMinInsync++
		}
	}
}

func (r *replica) underMinInsync() bool { return len(r.ISR) < r.MinInsync }
func (r *replica) atMinInsync() bool    { return len(r.ISR) == r.MinInsync }
