package storage

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/vfs"
)

// Move is a copy of a log on its way to another directory, while the log is in use
// (KIP-113). It has the log's files byte for byte. One goroutine at a time.
//
//  1. <topic>-<partition>.<uuid>-future is made in the other directory (NewFuture), and
//     filled: Copy, again and again, until little is missing
//  2. the log is held, with a checkpoint of it; what is missing is copied; all of it is
//     synced, with the file .moved beside it
//  3. the recovery point, start and cleaned end are in the other directory's checkpoints
//  4. the copy gets its name, <topic>-<partition>, which is synced: it has taken over.
//     The log is opened there, and goes on (Finish)
//  5. the old directory is renamed to -delete, which is synced
//  6. .moved is removed, which is synced (Retire)
//
// Crash points: before 4 is durable there is a -future directory, which the next start
// removes, and the old log, to which nothing has been added since 2. From then on the name
// is there, with .moved, and whatever has the name in another directory is the old one,
// which may be there until 5 is durable: the next start does 5 and 6. No other move of the
// log begins before 6.
type Move struct {
	log       *Log
	to        *Disk
	dir       string
	pace      func(ctx context.Context, bytes int) error
	segments  map[*segment]*copiedSegment
	snapshots map[model.Offset]bool // that are in the copy, and will not change
	buf       []byte

	size atomic.Int64 // of the copy's batches, in bytes
	end  atomic.Int64 // the offset at which they end
}

// copiedSegment is what of a segment is in the copy.
type copiedSegment struct {
	cuts     int   // segment.cuts when it was copied
	position int64 // how much of the .log
	whole    bool  // it was sealed; its indexes and snapshot are there as well, all synced
}

// moveBytes are read and written at a time.
const moveBytes = 256 << 10

// movedFile is in a partition's directory from the end of its copying until the directory
// that it was copied from is away.
const movedFile = ".moved"

// ErrNoRoom: there is no room for a log in the directory that it was to move to.
var ErrNoRoom = errors.New("not enough space is free")

// Future is a directory for a copy of a partition's log. It is durable: a start finds by it
// what was to move.
type Future struct {
	to  *Disk
	dir string
}

// NewFuture makes a directory for a copy.
func (d *Disk) NewFuture(tp model.TopicPartition, topic model.TopicID) (Future, error) {
	if err := d.Err(); err != nil {
		return Future{}, fmt.Errorf("move %s: %w", tp, err)
	}
	f := Future{d, filepath.Join(d.dir, uniqueName(tp, futureDirSuffix))}
	if err := d.fs.MkdirAll(f.dir); err != nil {
		return Future{}, d.copyFailed("make "+f.dir, err)
	}
	if err := WriteTopicID(d.fs, f.dir, topic); err != nil {
		f.Remove()
		return Future{}, d.copyFailed("write "+f.dir, err)
	}
	if err := d.fs.SyncDir(d.dir); err != nil {
		return Future{}, d.fail("sync directory of "+f.dir, err)
	}
	return f, nil
}

// Remove has the directory removed, which has not taken over.
func (f Future) Remove() {
	if f.to.Err() == nil {
		f.to.remover.later(f.dir, 0)
	}
}

// StartMove begins a copy. pace is called with how much was copied, and waits where that is
// too fast.
func (l *Log) StartMove(future Future, pace func(ctx context.Context, bytes int) error) (*Move, error) {
	to := future.to
	if _, err := to.fs.Stat(filepath.Join(to.dir, l.tp.String())); !errors.Is(err, iofs.ErrNotExist) {
		return nil, fmt.Errorf("%s has a directory of that name already: %w", to.dir, errors.Join(err, iofs.ErrExist))
	}
	m := &Move{
		log: l, to: to, dir: future.dir, pace: pace,
		segments: make(map[*segment]*copiedSegment), snapshots: make(map[model.Offset]bool), buf: make([]byte, moveBytes),
	}
	m.end.Store(int64(l.StartOffset()))
	return m, nil
}

// Size is how many bytes of batches have been copied.
func (m *Move) Size() int64 { return m.size.Load() }

// EndOffset is how far the copy reaches.
func (m *Move) EndOffset() model.Offset { return model.Offset(m.end.Load()) }

// failed is what became of a write to the copy. A full disk is no failed one, and nothing
// but the copy is lost.
func (m *Move) failed(operation string, err error) error { return m.to.copyFailed(operation, err) }

func (d *Disk) copyFailed(operation string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%s: %w: %w", operation, ErrNoRoom, err)
	}
	return d.fail(operation, err)
}

// moveStep is a segment as a pass found it.
type moveStep struct {
	s      *segment
	cuts   int
	size   int64
	sealed bool
}

func (m *Move) plan() ([]moveStep, view) {
	l := m.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	v := l.viewLocked()
	steps := make([]moveStep, len(v.segments))
	for i, s := range v.segments {
		steps[i] = moveStep{s, s.cuts, s.size.Load(), i+1 < len(v.segments)}
	}
	return steps, v
}

// Copy copies what there is, and returns how many bytes have come meanwhile. What was cut
// off, cleaned or removed since the last call goes from the copy first.
func (m *Move) Copy(ctx context.Context) (behind int64, err error) {
	steps, v := m.plan()
	defer v.release()
	if v.closed {
		return 0, fmt.Errorf("move %s: %w", m.log.tp, ErrClosed)
	}
	err = m.copySteps(ctx, steps, &v)
	switch {
	case err == nil:
		m.end.Store(int64(v.end))
	case ctx.Err() != nil, m.to.Err() != nil, errors.Is(err, ErrNoRoom), m.log.sameSince(v.generation):
		return 0, fmt.Errorf("move %s: %w", m.log.tp, err)
	} // else what was read may have changed under it
	return m.behind(), nil
}

func (l *Log) sameSince(generation uint64) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.generation == generation
}

// behind is how many bytes the copy lacks.
func (m *Move) behind() int64 {
	steps, v := m.plan()
	defer v.release()
	var n int64
	for _, step := range steps {
		n += step.size
		if c := m.segments[step.s]; c != nil && c.cuts == step.cuts {
			n -= c.position
		}
	}
	return n
}

func (m *Move) copySteps(ctx context.Context, steps []moveStep, v *view) error {
	if err := m.drop(steps); err != nil {
		return err
	}
	if err := m.checkRoom(steps); err != nil {
		return err
	}
	for i, step := range steps {
		if err := m.segment(ctx, v, i, step); err != nil {
			return err
		}
	}
	return nil
}

// drop removes from the copy what the log has no more, or has cut.
func (m *Move) drop(steps []moveStep) error {
	cuts := make(map[*segment]int, len(steps))
	for _, step := range steps {
		cuts[step.s] = step.cuts
	}
	for s, c := range m.segments {
		if now, ok := cuts[s]; ok && now == c.cuts {
			continue
		}
		m.size.Add(-c.position)
		delete(m.segments, s)
		delete(m.snapshots, s.base)
		for _, name := range append(s.names(), m.log.snapshotPath(s.base)) {
			if err := removeIfExists(m.to.fs, m.path(filepath.Base(name))); err != nil {
				return m.failed("remove from "+m.dir, err)
			}
		}
	}
	return nil
}

// checkRoom: who fills the disk stops the logs that are there.
func (m *Move) checkRoom(steps []moveStep) error {
	var need int64
	for _, step := range steps {
		need += step.size
		if c := m.segments[step.s]; c != nil {
			need -= c.position
		}
	}
	usage, err := m.to.fs.Usage(m.to.dir)
	if err != nil || need <= 0 || uint64(need) < usage.FreeBytes {
		return nil //nolint:nilerr // a file system that does not tell may have room
	}
	return fmt.Errorf("%w in %s: %d bytes are to be copied, and %d are free", ErrNoRoom, m.to.dir, need, usage.FreeBytes)
}

func (m *Move) path(name string) string { return filepath.Join(m.dir, name) }

// segment copies what is missing of one segment.
func (m *Move) segment(ctx context.Context, v *view, i int, step moveStep) (err error) {
	c := m.segments[step.s]
	if c != nil && c.position == step.size && (c.whole || !step.sealed) {
		return nil
	}
	open := m.to.fs.OpenReadWrite
	if c == nil {
		open = m.to.fs.Create
		c = &copiedSegment{cuts: step.cuts}
	}
	name := m.path(filepath.Base(step.s.logPath()))
	f, err := open(name)
	if err != nil {
		return m.failed("open "+name, err)
	}
	m.segments[step.s] = c
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := m.batches(ctx, f, v, i, step, c); err != nil {
		return err
	}
	if err := f.SyncData(); err != nil {
		return m.to.fail("sync "+name, err)
	}
	if !step.sealed {
		return nil
	}
	f.Forget(0, c.position) // who reads it there later has it read from the disk
	if err := m.besides(step.s); err != nil {
		return err
	}
	c.whole = true
	return nil
}

// batches copies batches, each held to its checksum: what the disk has spoiled is not to
// be spread.
func (m *Move) batches(ctx context.Context, f vfs.File, v *view, i int, step moveStep, c *copiedSegment) error {
	h, _, err := v.open(&m.log.disk.handles, i)
	if err != nil {
		return err
	}
	defer h.release()
	for c.position < step.size {
		n := min(int64(len(m.buf)), step.size-c.position)
		cached := h.ReadCached(m.buf[:n], c.position) == int(n)
		if got, _, err := m.log.disk.cold.readAt(step.s, h, m.buf[:n], c.position, false); int64(got) < n {
			return fmt.Errorf("read %s at byte %d: %w", step.s.logPath(), c.position, err)
		}
		whole, err := wholeBatches(m.buf[:n])
		if err == nil && whole == 0 {
			err = m.grow(n, step.size-c.position)
		}
		if err != nil {
			return &CorruptError{Path: step.s.logPath(), Position: c.position, Offset: model.NoOffset, Reason: err.Error()}
		}
		if whole == 0 {
			continue
		}
		if _, err := f.WriteAt(m.buf[:whole], c.position); err != nil {
			return m.failed("write "+m.dir, err)
		}
		if !cached {
			h.Forget(c.position, int64(whole))
		}
		c.position += int64(whole)
		m.size.Add(int64(whole))
		if err := m.pace(ctx, whole); err != nil {
			return err
		}
	}
	return nil
}

// grow makes room for a batch that is larger than the buffer; left is how much the file has.
func (m *Move) grow(have, left int64) error {
	if have < record.HeaderSize {
		return fmt.Errorf("%d bytes are less than a header", have)
	}
	need, err := record.SizeOf(record.Batch(m.buf[:have]))
	if err != nil {
		return err
	}
	if need > left {
		return fmt.Errorf("batch of %d bytes, %d are left", need, left)
	}
	m.buf = make([]byte, need)
	return nil
}

// wholeBatches is how many bytes of data are whole batches, which match their checksums.
func wholeBatches(data []byte) (int, error) {
	for rest := data; ; {
		b, after, err := record.Split(rest)
		if len(rest) == 0 || errors.Is(err, record.ErrTruncated) {
			return len(data) - len(rest), nil
		}
		if err == nil {
			err = b.CheckCRC()
		}
		if err != nil {
			return 0, err
		}
		rest = after
	}
}

// besides copies what belongs to a segment besides its batches.
func (m *Move) besides(s *segment) error {
	for _, suffix := range []string{indexSuffix, timeSuffix, txnSuffix} {
		// An index without entries has no file yet, and would be taken for a lost one.
		if err := m.file(filepath.Base(s.path)+suffix, suffix != txnSuffix); err != nil {
			return err
		}
	}
	m.snapshots[s.base] = true
	return m.file(baseName(s.base)+snapshotSuffix, false)
}

// file copies a small file, synced. One that is not there is made empty, where it must be.
func (m *Move) file(name string, must bool) error {
	data, err := vfs.ReadFile(m.log.fs, m.log.path(name), indexBytesMax)
	switch {
	case errors.Is(err, iofs.ErrNotExist) && must:
	case errors.Is(err, iofs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read %s: %w", m.log.path(name), err)
	}
	if err := vfs.WriteFileAtomically(m.to.fs, m.path(name), data); err != nil {
		return m.failed("write "+m.path(name), err)
	}
	return nil
}

// indexBytesMax bounds the files that are read whole: an index has entries of at most 12
// bytes for the 2^31 offsets of a segment, but segment.index.bytes is an int.
const indexBytesMax = 1 << 31

// HoldCleaner keeps the cleaner from the log until release is called; it waits for a pass
// that is under way. Finish wants that, and must not wait.
func (m *Move) HoldCleaner() (release func()) {
	m.log.cleaning.Lock()
	return m.log.cleaning.Unlock
}

// Finish has the copy take the log's place: steps 2 to 4. The caller holds the cleaner, and
// sees to it that nobody appends. replaced is called with the log as it goes on, before the
// old one is closed, and must not call either. After an error that is not of the fence the
// old one goes on.
func (m *Move) Finish(durable func(model.Offset), replaced func(*Log)) error {
	l := m.log
	l.write.Lock()
	defer l.write.Unlock()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if err := errors.Join(l.usable(), m.to.Err()); err != nil {
		return fmt.Errorf("move %w", err)
	}
	if err := l.active().seal(l.fs); err != nil {
		return l.disk.fail("write index of "+l.active().logPath(), err)
	}
	if err := l.settle(); err != nil {
		return err
	}
	if err := m.complete(); err != nil {
		return fmt.Errorf("move %s: %w", l.tp, err)
	}
	saved := savedPoints{recovery: l.end, cleaned: l.cleanedTo}
	if l.start > l.segments[0].base {
		saved.start = l.start
	}
	if err := m.to.adopt(l.tp, saved); err != nil {
		return err
	}
	dir := filepath.Join(m.to.dir, l.tp.String())
	if err := m.to.fs.Rename(m.dir, dir); err != nil {
		return m.to.fail("rename "+m.dir, err)
	}
	if err := m.to.fs.SyncDir(m.to.dir); err != nil {
		return m.to.fail("sync directory of "+dir, err)
	}
	m.dir = dir
	next, _, err := Open(Options{
		FS: m.to.fs, Disk: m.to, Dir: dir, TopicPartition: l.tp, Config: *l.config(), Logger: l.logger,
		CleanShutdown: true, Durable: durable,
	})
	if err == nil && next.EndOffset() != l.end {
		err = fmt.Errorf("the copy ends at %d, and the log at %d", next.EndOffset(), l.end)
	}
	if err != nil {
		return m.to.fail("open "+dir, err) // it has taken over: the old one must not go on
	}
	next.following.Store(l.following.Load())
	replaced(next)
	l.shut(true)
	return nil
}

// complete is step 2. The caller holds the log.
func (m *Move) complete() error {
	l := m.log
	steps, v := m.plan()
	defer v.release()
	for i := range steps {
		steps[i].sealed = true
	}
	pace := m.pace
	m.pace = func(context.Context, int) error { return nil }
	defer func() { m.pace = pace }()
	if err := m.copySteps(context.Background(), steps, &v); err != nil {
		return err
	}
	m.end.Store(int64(v.end))
	snapshots := l.write.snapshots
	for i, at := range snapshots {
		if m.snapshots[at] && i < len(snapshots)-2 {
			continue
		}
		m.snapshots[at] = true
		if err := m.file(baseName(at)+snapshotSuffix, false); err != nil {
			return err
		}
	}
	for at := range m.snapshots {
		if !slices.Contains(snapshots, at) {
			if err := removeIfExists(m.to.fs, m.path(baseName(at)+snapshotSuffix)); err != nil {
				return m.failed("remove from "+m.dir, err)
			}
		}
	}
	if err := vfs.WriteFileAtomically(m.to.fs, m.path(epochsFile), l.epochs.format()); err != nil {
		return m.failed("write "+m.path(epochsFile), err)
	}
	if err := vfs.WriteFileAtomically(m.to.fs, m.path(movedFile), nil); err != nil { // syncs the directory
		return m.failed("write "+m.path(movedFile), err)
	}
	return nil
}

// Retire takes the old directory away: steps 5 and 6.
func (m *Move) Retire() error {
	l := m.log
	if err := l.renameDirAway(); err != nil {
		return err
	}
	if err := EndTakeover(m.to.fs, m.dir); err != nil {
		return m.to.fail("end the move of "+l.tp.String(), err)
	}
	return nil
}

// TookOver reports whether a partition's directory is a copy that took over, and what it
// was copied from may be there still.
func TookOver(fs vfs.FS, dir string) (bool, error) {
	_, err := fs.Stat(filepath.Join(dir, movedFile))
	if errors.Is(err, iofs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// EndTakeover notes, durably, that what a directory was copied from is away.
func EndTakeover(fs vfs.FS, dir string) error {
	if err := removeIfExists(fs, filepath.Join(dir, movedFile)); err != nil {
		return err
	}
	return fs.SyncDir(dir)
}

// SetForRemoval renames a directory in a data directory, durably, so that the next
// Disk.Run there removes it: a copy that did not take over, or one that was replaced.
func SetForRemoval(fs vfs.FS, dataDir, name string, tp model.TopicPartition) error {
	if err := fs.Rename(filepath.Join(dataDir, name), filepath.Join(dataDir, uniqueName(tp, deletedDirSuffix))); err != nil {
		return err
	}
	return fs.SyncDir(dataDir)
}

// ParseFutureDir is the partition of which a directory is a copy that has not taken over;
// the partition is not known where its name was too long.
func ParseFutureDir(name string) (tp model.TopicPartition, known, ok bool) {
	rest, ok := strings.CutSuffix(name, futureDirSuffix)
	at := strings.LastIndexByte(rest, '.')
	if !ok || at < 0 {
		return tp, false, false
	}
	tp, known = ParsePartitionDir(rest[:at])
	return tp, known, true
}
