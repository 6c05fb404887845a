package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// openParallelism is how many logs are opened or created at one time. Creating
// one waits for a few syncs, which the disk takes several of at once; recovery
// is bound by reading.
const openParallelism = 8

// Options is what a Set needs.
type Options struct {
	Node model.NodeID
	FS   vfs.FS
	// Dir is the data directory, which has the normal epochs, and Disk its disk.
	Dir  string
	Disk *storage.Disk
	// Directories hold the partitions; there is one at least. Each has a Disk of its own:
	// the data directory's, where it is that.
	Directories []Directory
	Logger      *slog.Logger
	// Static holds the broker settings of the start, the defaults of topics.
	Static map[string]string
	Upkeep Upkeep
	// LogsMax bounds the logs that are open, each with a file of its own; 0: no bound.
	LogsMax int
	// LagMax is replica.lag.time.max.ms.
	LagMax time.Duration
	// Peers carries messages to other replicas; nil where this node is alone.
	Peers Peers
	// Controller takes proposals and answers; nil where this node is alone.
	Controller Controller
	// Lease is this node's permission to serve; nil: it always has it.
	Lease Lease
	// Shrunk and Expanded, where not nil, are told that the in-sync set of a partition
	// that this node leads has lost or got members.
	Shrunk, Expanded func()
	// Damaged, where not nil, is told of a log that is damaged, and of which others
	// have a copy. It must not block.
	Damaged func(model.TopicPartition, error)
	// RoleChanged, where not nil, is told after a partition has begun or ceased
	// to lead, or was deleted. It is called on the applier's goroutine and must
	// not block.
	RoleChanged func(RoleChange)
}

// RoleChange tells that this node leads a partition from now on, in Epoch, or
// does not any more.
type RoleChange struct {
	Name    model.TopicPartition
	Leading bool
	Epoch   model.LeaderEpoch
}

// Set is the partitions that this node holds. Get, Offline and All may be
// called concurrently with everything; Apply and Close by one goroutine.
type Set struct {
	options Options
	node    model.NodeID
	logger  *slog.Logger
	normals *normals
	waiters waiterPool
	// debug: what happens to each record is logged.
	debug  bool
	rescan chan struct{} // capacity 1: settings or partitions changed; wakes the upkeep

	swept bool // Apply has looked for strays; its own

	directories []*directory // never changed

	mu      sync.RWMutex
	open    map[model.TopicPartition]*Partition
	byTopic map[normalKey]*Partition // the same, by topic id
	offline map[model.TopicPartition]error
	checked recovery // since the last report of it
	// lies is where partitions lie, open or not: each in one directory, or in several of
	// which all but one are of earlier topics of that name.
	lies map[model.TopicPartition][]*directory
	// moves are the logs on their way to another directory.
	moves map[*Partition]*move
	// taking are those of which a copy is about to take over, and where: that can be
	// cancelled no more, whatever moves has by then.
	taking map[*Partition]*directory
	// preferred is where partitions are to lie that are not here yet.
	preferred map[model.TopicPartition]*directory
	pace      pace
}

// recovery is what opening logs that were not closed in order took.
type recovery struct {
	logs                   int
	bytesChecked, bytesCut int64
}

// NewSet returns a set without partitions. It starts nothing.
func NewSet(o Options) *Set {
	if o.Peers == nil {
		o.Peers = alone{}
	}
	if o.Controller == nil {
		o.Controller = alone{}
	}
	if o.Lease == nil {
		o.Lease = always{}
	}
	s := &Set{
		options: o, debug: o.Logger.Enabled(context.Background(), slog.LevelDebug), node: o.Node, logger: o.Logger, normals: newNormals(o), rescan: make(chan struct{}, 1),
		open:    make(map[model.TopicPartition]*Partition),
		byTopic: make(map[normalKey]*Partition),
		offline: make(map[model.TopicPartition]error),
		lies:    make(map[model.TopicPartition][]*directory),
	}
	for _, d := range o.Directories {
		s.directories = append(s.directories, &directory{Directory: d, wake: make(chan struct{}, 1)})
	}
	s.moves, s.taking, s.preferred = make(map[*Partition]*move), make(map[*Partition]*directory), make(map[model.TopicPartition]*directory)
	s.pace.changed = make(chan struct{})
	s.pace.bytesPerSecond = unlimited
	return s
}

// Load looks for partitions in the directories, and reads what is durable of all of them
// together. It is called once, before Apply. ErrNormalEpochs: the data directory has lost
// data; Apply goes on without.
func (s *Set) Load() error {
	if err := s.survey(); err != nil {
		return err
	}
	return s.normals.load()
}

// Get finds an open partition; nil where there is none.
func (s *Set) Get(name model.TopicPartition) *Partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.open[name]
}

// Find finds an open partition by its topic's id; nil where there is none.
func (s *Set) Find(topic model.TopicID, number model.Partition) *Partition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byTopic[normalKey{topic, number}]
}

// Offline is why a partition that this node should hold is not open; nil where
// it is open, or not this node's.
func (s *Set) Offline(name model.TopicPartition) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if why := s.offline[name]; why != nil {
		return fmt.Errorf("%w: %w", ErrOffline, why)
	}
	return nil
}

// All yields every open partition, in no particular order.
func (s *Set) All() func(yield func(*Partition) bool) {
	s.mu.RLock()
	all := make([]*Partition, 0, len(s.open))
	for _, p := range s.open {
		all = append(all, p)
	}
	s.mu.RUnlock()
	return func(yield func(*Partition) bool) {
		for _, p := range all {
			if !yield(p) {
				return
			}
		}
	}
}

// Apply brings the partitions in line with a new image, in which this node is
// registered. It returns once the logs of new partitions are open and every role is
// taken: what fails to open is offline, logged, and answered for by Offline.
func (s *Set) Apply(delta meta.Delta, image *meta.Image) {
	if len(delta.Brokers) > 0 {
		delta.Changed = everything(delta, image) // who is up is part of every replica's view
	}
	s.remove(s.departed(delta))
	if !s.swept {
		s.swept = true
		if err := s.setStraysAside(image); err != nil {
			s.logger.Warn("Logs of partitions that were moved away may be left", "error", err)
		}
	}
	s.setPace(image)
	placements := s.withinLimit(s.placements(delta, image))
	s.makeDirs(placements)
	var group errgroup.Group
	group.SetLimit(openParallelism)
	for i := range placements {
		group.Go(func() error { s.placeOne(&placements[i]); return nil })
	}
	began := time.Now()
	_ = group.Wait() // the functions return no error
	s.reportRecovery(time.Since(began))
	s.reconfigure(delta, image)
	select {
	case s.rescan <- struct{}{}:
	default:
	}
}

// everything is a delta that has all partitions of all topics but the new ones.
func everything(delta meta.Delta, image *meta.Image) []meta.TopicChange {
	created := make(map[model.TopicID]bool, len(delta.Created))
	for _, topic := range delta.Created {
		created[topic.ID] = true
	}
	var all []meta.TopicChange
	for topic := range image.Topics.All() {
		if !created[topic.ID] {
			all = append(all, meta.TopicChange{Topic: topic, Partitions: partitionNumbers(topic)})
		}
	}
	return all
}

func partitionNumbers(topic *meta.Topic) []model.Partition {
	numbers := make([]model.Partition, len(topic.Partitions))
	for i := range numbers {
		numbers[i] = model.Partition(i)
	}
	return numbers
}

// placements are this node's partitions of a delta, with the roles that they are to take.
func (s *Set) placements(delta meta.Delta, image *meta.Image) []placement {
	var all []placement
	for _, topic := range delta.Created {
		all = s.place(all, image, topic, partitionNumbers(topic))
	}
	for _, change := range delta.Changed {
		all = s.place(all, image, change.Topic, change.Partitions)
	}
	return all
}

// place adds those of a topic's partitions that are this node's.
func (s *Set) place(all []placement, image *meta.Image, topic *meta.Topic, partitions []model.Partition) []placement {
	values, err := s.topicValues(image, topic)
	brokerEpoch := model.BrokerEpoch(-1)
	if self := image.Brokers.ByID(s.node); self != nil {
		brokerEpoch = self.Epoch
	}
	for _, number := range partitions {
		next := &topic.Partitions[number]
		if !slices.Contains(next.Replicas, s.node) {
			continue
		}
		placed := placement{
			name: model.TopicPartition{Topic: topic.Name, Partition: number}, topic: topic.ID,
			next: next, values: &values, brokerEpoch: brokerEpoch,
		}
		if err != nil {
			s.setOffline(placed.name, err)
			continue
		}
		placed.view = replica.ViewOf(next, image.Brokers, values.MinInsyncReplicas)
		all = append(all, placed)
	}
	return all
}

// placement is a partition, and what it is to become.
type placement struct {
	name   model.TopicPartition
	topic  model.TopicID
	next   *meta.Partition // the image's
	view   replica.View
	values *settings.TopicValues // all of a topic's have the same
	// brokerEpoch is of this run's registration.
	brokerEpoch model.BrokerEpoch
	// made is where makeDirs has made the directory; nil: it has not.
	made *directory
}

func (s *Set) placeOne(to *placement) {
	p := s.Get(to.name)
	opened := p == nil
	if opened {
		fresh, err := s.openLog(to)
		if err != nil && s.damaged(to.name, to.next.Copies(), err) {
			return
		}
		if err != nil {
			s.setOffline(to.name, err)
			return
		}
		p = fresh
	}
	before := p.State()
	if err := p.become(to); err != nil {
		p.fail(ErrOffline)
		s.stopMove(p)
		p.moving.Lock()
		defer p.moving.Unlock()
		s.setOffline(to.name, errors.Join(err, p.log().Close()))
		return
	}
	s.mu.Lock()
	s.open[to.name], s.byTopic[p.normalKey()] = p, p
	delete(s.offline, to.name)
	s.mu.Unlock()
	if opened {
		s.options.Peers.Opened(p)
		s.moveOn(p)
	}
	after := p.State()
	if before.Leading != after.Leading || after.Leading && before.LeaderEpoch != after.LeaderEpoch {
		s.tell(RoleChange{Name: to.name, Leading: after.Leading, Epoch: after.LeaderEpoch})
	}
}

func (s *Set) tell(change RoleChange) {
	s.logger.Debug("partition role changed", "partition", change.Name, "leading", change.Leading, "epoch", change.Epoch)
	if s.options.RoleChanged != nil {
		s.options.RoleChanged(change)
	}
}

func (s *Set) setOffline(name model.TopicPartition, why error) {
	s.logger.Error("Partition is offline", "partition", name, "error", why)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closedLocked(name)
	s.offline[name] = why
}

// closedLocked takes a partition out of the open ones.
func (s *Set) closedLocked(name model.TopicPartition) *Partition {
	p := s.open[name]
	if p != nil {
		delete(s.open, name)
		delete(s.byTopic, p.normalKey())
	}
	return p
}

// openLog opens or creates a partition's log.
func (s *Set) openLog(to *placement) (*Partition, error) {
	at := to.made
	if at == nil {
		var err error
		if at, err = s.settle(to); err != nil {
			return nil, err
		}
	}
	p := newPartition(s, to.name, to.topic)
	log, recovered, err := storage.Open(storage.Options{
		FS: s.options.FS, Disk: at.Disk, Dir: at.dir(to.name), TopicPartition: to.name,
		Config: logConfig(*to.values), Logger: s.logger, CleanShutdown: at.CleanShutdown,
		Durable: p.durableTo,
	})
	if err != nil {
		return nil, err
	}
	if recovered.BytesCut > 0 || recovered.SegmentsCut > 0 {
		s.logger.Warn("Recovered a log and cut off its torn end", "partition", to.name,
			"bytes_cut", recovered.BytesCut, "segments_cut", recovered.SegmentsCut, "end", log.EndOffset())
	}
	if !recovered.Clean {
		s.mu.Lock()
		s.checked.logs++
		s.checked.bytesChecked += recovered.BytesChecked
		s.checked.bytesCut += recovered.BytesCut
		s.mu.Unlock()
	}
	p.home.Store(at)
	p.current.Store(log)
	p.mu.Lock() // a sync may be told of already
	defer p.mu.Unlock()
	p.mu.durableEnd = log.DurableEnd()
	p.mu.replica = replica.New(replica.Options{
		Node: s.node, BrokerEpoch: to.brokerEpoch, Log: replicaLog{p}, DurableEnd: log.DurableEnd(),
		NormalEpoch: s.normals.of(p.normalKey()), LagMax: s.options.LagMax,
	})
	return p, nil
}

// reportRecovery says how much a start after a crash had to check.
func (s *Set) reportRecovery(took time.Duration) {
	s.mu.Lock()
	r := s.checked
	s.checked = recovery{}
	s.mu.Unlock()
	if r.logs > 0 {
		s.logger.Info("Recovered after a stop that was not clean", "partitions", r.logs,
			"bytes_checked", r.bytesChecked, "bytes_cut", r.bytesCut, "took", took.Round(time.Millisecond))
	}
}

// setAside renames a directory that is not this node's any more; its records are kept
// for a person to look at.
func (s *Set) setAside(dir, why string) error {
	to := fmt.Sprintf("%s.%s-stray", dir, model.NewUUID())
	if err := s.options.FS.Rename(dir, to); err != nil {
		return fmt.Errorf("set %s aside: %w", dir, err)
	}
	s.logger.Warn("Set a partition's directory aside", "reason", why, "dir", dir, "to", to)
	if err := s.options.FS.SyncDir(filepath.Dir(dir)); err != nil {
		return fmt.Errorf("sync %s: %w", filepath.Dir(dir), err)
	}
	return nil
}

// reconfigure hands changed settings to the logs. Those of brokers are the
// defaults of every topic.
func (s *Set) reconfigure(delta meta.Delta, image *meta.Image) {
	topics := make(map[string]bool)
	everything := false
	for _, resource := range delta.Configs {
		switch resource.Type {
		case meta.TopicResource:
			topics[resource.Name] = true
		case meta.BrokerResource:
			everything = true
		case meta.GroupResource:
		}
	}
	if len(topics) == 0 && !everything {
		return
	}
	for p := range s.All() {
		topic := image.Topics.ByID(p.topic)
		if topic == nil || !everything && !topics[topic.Name] {
			continue
		}
		values, err := s.topicValues(image, topic)
		if err != nil {
			s.logger.Error("Settings of a topic cannot be used; the old ones stay in force", "topic", topic.Name, "error", err)
			continue
		}
		p.setLogConfig(values)
		next := &topic.Partitions[p.name.Partition]
		view := replica.ViewOf(next, image.Brokers, values.MinInsyncReplicas)
		if err := p.become(&placement{next: next, view: view, values: &values}); err != nil {
			s.logger.Error("Settings of a topic cannot be used; the old ones stay in force", "topic", topic.Name, "error", err)
		}
	}
}

// Fail ends every wait: the data directory's disk has failed. It may be called
// from any goroutine.
func (s *Set) Fail(err error) {
	for p := range s.All() {
		p.fail(err)
	}
}

// Close syncs and closes every log. An error means that what the disk holds of
// that log is not known, and that the next start must check it.
func (s *Set) Close() error {
	var group errgroup.Group
	group.SetLimit(openParallelism)
	start := time.Now()
	for p := range s.All() {
		group.Go(func() error {
			p.fail(ErrClosed)
			p.moving.Lock()
			defer p.moving.Unlock()
			if err := p.log().Close(); err != nil {
				return fmt.Errorf("close %s: %w", p.name, err)
			}
			return nil
		})
	}
	err := group.Wait()
	s.logger.Debug("closed the logs", "took", time.Since(start))
	return err
}
