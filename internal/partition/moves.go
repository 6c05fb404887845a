package partition

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
)

// move is a log on its way to another directory.
type move struct {
	partition *Partition
	to        *directory
	future    storage.Future
	ctx       context.Context
	cancel    context.CancelFunc
	// Set.mu guards the rest.
	copy *storage.Move // nil: not begun
}

// Move is what is known of a log that is moving.
type Move struct {
	Partition *Partition
	Directory string // where to
	SizeBytes int64  // of what has been copied
	OffsetLag int64  // records that the copy lacks
}

// preferredMax bounds the partitions that are not here yet and have a directory chosen.
const preferredMax = 100_000

// AlterDirectory has a partition's log moved to another directory, by and by; one that
// is moving elsewhere turns. To where it is, it ends a move. ErrNotHere: it is remembered
// for the case that the partition comes.
func (s *Set) AlterDirectory(name model.TopicPartition, path string) error {
	path = filepath.Clean(path)
	i := slices.IndexFunc(s.directories, func(d *directory) bool { return d.Name == path })
	if i < 0 {
		return fmt.Errorf("%s: %w", path, ErrNoSuchDirectory)
	}
	to := s.directories[i]
	if err := to.Disk.Err(); err != nil {
		return err
	}
	p, err := s.toMove(name, to)
	if p == nil {
		return err
	}
	return s.beginMove(p, to)
}

// toMove is the partition that is to move to a directory; nil where nothing is to be done.
func (s *Set) toMove(name model.TopicPartition, to *directory) (*Partition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.open[name]
	switch {
	case s.offline[name] != nil:
		return nil, ErrOffline
	case p == nil:
		if len(s.preferred) < preferredMax {
			s.preferred[name] = to
		}
		return nil, ErrNotHere
	case !s.turnLocked(p, to):
		return nil, nil //nolint:nilnil // it is there, or on its way
	}
	return p, nil
}

// turnLocked ends a move to another directory, and reports whether one is to begin.
func (s *Set) turnLocked(p *Partition, to *directory) bool {
	if m := s.moves[p]; m != nil {
		if m.to == to {
			return false
		}
		s.cancelLocked(m)
	}
	if home := s.taking[p]; home != nil {
		return home != to
	}
	return p.home.Load() != to
}

// cancelLocked ends a move; what it has made goes.
func (s *Set) cancelLocked(m *move) {
	m.cancel()
	delete(s.moves, m.partition)
	if i := slices.Index(m.to.queue, m); i >= 0 { // nobody has it yet
		m.to.queue = slices.Delete(m.to.queue, i, i+1)
		m.to.held--
		m.future.Remove()
	}
}

// beginMove makes the directory for the copy, which a start finds again, and queues the
// move.
func (s *Set) beginMove(p *Partition, to *directory) error {
	future, err := to.Disk.NewFuture(p.name, p.topic)
	if err != nil {
		return err
	}
	m := &move{partition: p, to: to, future: future}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[p.name] != p || !s.turnLocked(p, to) { // another was quicker
		m.cancel()
		future.Remove()
		return nil
	}
	s.moves[p] = m
	to.held++
	to.queue = append(to.queue, m)
	select {
	case to.wake <- struct{}{}:
	default:
	}
	return nil
}

// moveOn begins a move again that the end of the last process has cut short, or that was
// asked for before the partition came.
func (s *Set) moveOn(p *Partition) {
	s.mu.Lock()
	to := s.preferred[p.name]
	delete(s.preferred, p.name)
	begins := to != nil && s.turnLocked(p, to)
	s.mu.Unlock()
	if !begins {
		return
	}
	if err := s.beginMove(p, to); err != nil {
		s.logger.Error("Moving a partition to another log directory did not work; it stays where it is", "partition", p.name, "to", to.Name, "error", err)
	}
}

// stopMove cancels a partition's move, if there is one.
func (s *Set) stopMove(p *Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.moves[p]; m != nil {
		s.cancelLocked(m)
	}
}

// Moves are the logs that are moving.
func (s *Set) Moves() []Move {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Move
	for p, m := range s.moves {
		found := Move{Partition: p, Directory: m.to.Name, OffsetLag: int64(p.log().EndOffset() - p.log().StartOffset())}
		if m.copy != nil {
			found.SizeBytes, found.OffsetLag = m.copy.Size(), max(0, int64(p.log().EndOffset()-m.copy.EndOffset()))
		}
		all = append(all, found)
	}
	return all
}

// moveLoop moves logs to a directory, one after the other, until ctx ends.
func (s *Set) moveLoop(ctx context.Context, to *directory) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-to.wake:
		}
		for m := s.nextMove(to); m != nil && ctx.Err() == nil; m = s.nextMove(to) {
			stop := context.AfterFunc(ctx, m.cancel)
			s.carryOutMove(ctx, m)
			stop()
		}
	}
}

func (s *Set) nextMove(to *directory) *move {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(to.queue) == 0 {
		return nil
	}
	m := to.queue[0]
	to.queue = to.queue[1:]
	return m
}

// carryOutMove moves a log. A move that ends with ctx, as the node stops, begins anew at the
// next start.
func (s *Set) carryOutMove(ctx context.Context, m *move) {
	p, began := m.partition, time.Now()
	p.moving.Lock()
	defer p.moving.Unlock()
	from := p.home.Load()
	var err error
	stays := from == m.to // what was to take over before it did not
	if !stays {
		err = s.moveLog(m)
	}
	if stays || err != nil && ctx.Err() == nil && p.home.Load() != m.to {
		m.future.Remove()
	}
	s.mu.Lock()
	if s.moves[p] == m {
		delete(s.moves, p)
	}
	delete(s.taking, p)
	m.to.held--
	if p.home.Load() == m.to && from != m.to {
		s.goneLocked(p.name, from)
		s.liesLocked(p.name, m.to)
	}
	s.mu.Unlock()
	cancelled := m.ctx.Err() != nil
	m.cancel()
	switch {
	case stays:
	case err == nil:
		s.logger.Info("Moved a partition to another log directory", "partition", p.name, "from", from.Name, "to", m.to.Name,
			"bytes", p.log().Size(), "took", time.Since(began).Round(time.Millisecond))
	case cancelled, errors.Is(err, storage.ErrClosed), errors.Is(err, storage.ErrFenced), errors.Is(err, ErrClosed):
		s.logger.Info("A partition's move to another log directory has ended early", "partition", p.name, "to", m.to.Name, "reason", err)
	case s.damaged(p.name, p.state.Load().Copies(), err):
	default:
		s.logger.Error("Moving a partition to another log directory did not work; it stays where it is", "partition", p.name, "to", m.to.Name, "error", err)
	}
}

// moveBehindMax is how much of a log may be missing in its copy when it is held for the
// rest, in bytes: a few milliseconds' worth.
const moveBehindMax = 1 << 20

// moveLog copies the log while it is in use, and then has the copy take over.
func (s *Set) moveLog(m *move) error {
	p := m.partition
	if err := errors.Join(p.failure(), m.ctx.Err()); err != nil {
		return err
	}
	copied, err := p.log().StartMove(m.future, s.pace.wait)
	if err != nil {
		return err
	}
	s.mu.Lock()
	m.copy = copied
	s.mu.Unlock()
	if err := s.copyLog(m, copied); err != nil {
		return err
	}
	return copied.Retire()
}

func (s *Set) copyLog(m *move, copied *storage.Move) error {
	if err := catchUp(m.ctx, copied); err != nil {
		return err
	}
	defer copied.HoldCleaner()()
	// The cleaner may have taken its time, and replaced much.
	if err := catchUp(m.ctx, copied); err != nil {
		return err
	}
	if err := s.take(m); err != nil {
		return err
	}
	return m.partition.goOnIn(m.to, copied)
}

// take has a move go to its end, unless it was cancelled.
func (s *Set) take(m *move) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := m.ctx.Err(); err != nil {
		return err
	}
	s.taking[m.partition] = m.to
	return nil
}

func catchUp(ctx context.Context, copied *storage.Move) error {
	for {
		if behind, err := copied.Copy(ctx); err != nil || behind <= moveBehindMax {
			return err
		}
	}
}

// goOnIn has a copy of the log take over. Nobody appends meanwhile, and no role is taken;
// readers go on in the old one, and then in the new.
func (p *Partition) goOnIn(to *directory, copied *storage.Move) error {
	p.receiving.Lock()
	defer p.receiving.Unlock()
	p.role.Lock()
	defer p.role.Unlock()
	if err := p.failure(); err != nil {
		return err
	}
	err := copied.Finish(p.durableTo, func(log *storage.Log) {
		p.current.Store(log)
		p.home.Store(to)
	})
	if err == nil {
		p.durableTo(0) // all is durable; the old log tells of nothing any more
	}
	return err
}

// removeFuture removes a copy that the end of the last process has cut short; the move
// begins again when the partition is open.
func (s *Set) removeFuture(d *directory, dir string) error {
	name, known, ok := storage.ParseFutureDir(dir)
	if !ok {
		return nil
	}
	if err := storage.SetForRemoval(s.options.FS, d.Path, dir, name); err != nil {
		return fmt.Errorf("remove the unfinished copy %s: %w", filepath.Join(d.Path, dir), err)
	}
	if known {
		s.mu.Lock()
		s.preferred[name] = d
		s.mu.Unlock()
	}
	return nil
}

// endTakeover ends moves that the end of the last process has cut short after the copy had
// taken over: what the copy was made of goes. It returns where the partition lies then.
func (s *Set) endTakeover(name model.TopicPartition, at []*directory) ([]*directory, error) {
	for _, d := range at {
		took, err := storage.TookOver(s.options.FS, d.dir(name))
		if err != nil {
			return nil, fmt.Errorf("look into %s: %w", d.dir(name), err)
		}
		if !took {
			continue
		}
		rest, err := s.removeReplaced(name, d, at)
		if err != nil {
			return nil, err
		}
		return rest, storage.EndTakeover(s.options.FS, d.dir(name))
	}
	return at, nil
}

// removeReplaced removes what a copy was made of, and returns where else there is something
// of that name.
func (s *Set) removeReplaced(name model.TopicPartition, taken *directory, at []*directory) ([]*directory, error) {
	topic, err := storage.ReadTopicID(s.options.FS, taken.dir(name))
	if err != nil {
		return nil, err
	}
	rest := []*directory{taken}
	for _, d := range at {
		if d == taken {
			continue
		}
		other, err := storage.ReadTopicID(s.options.FS, d.dir(name))
		if err != nil {
			return nil, err
		}
		if other != topic {
			rest = append(rest, d)
			continue
		}
		if err := storage.SetForRemoval(s.options.FS, d.Path, name.String(), name); err != nil {
			return nil, fmt.Errorf("remove %s, which has moved to %s: %w", d.dir(name), taken.Name, err)
		}
	}
	return rest, nil
}
