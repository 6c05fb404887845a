package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

// storeModel is a store beside the entries it must hold: the store keeps the
// newest in memory, the log has all, and whoever reads must not be able to tell.
type storeModel struct {
	t       *rapid.T
	ctx     context.Context
	fs      vfs.FS
	disk    *storage.Disk
	store   *store
	entries []*raftpb.Entry // behind base
	term    uint64
}

func newStoreModel(t *rapid.T, ctx context.Context, fs vfs.FS, disk *storage.Disk) *storeModel {
	m := &storeModel{t: t, ctx: ctx, fs: fs, disk: disk, term: bootstrapTerm}
	m.open()
	return m
}

func (m *storeModel) open() {
	var err error
	m.store, _, err = openStore(storeOptions{
		fs: m.fs, disk: m.disk, dir: dataDir, voters: []model.NodeID{0}, logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *storeModel) close() {
	if err := m.store.log.log.Close(); err != nil {
		m.t.Fatal(err)
	}
}

// end is behind the last entry.
func (m *storeModel) end() uint64 { return m.store.base + 1 + uint64(len(m.entries)) }

// append adds a few entries, some of them so large that one fills the memory,
// after it has cut some off as a new leader does.
func (m *storeModel) append(cut int) {
	if cut > 0 {
		m.term++
		m.entries = m.entries[:len(m.entries)-cut]
	}
	var added []*raftpb.Entry
	for range rapid.IntRange(1, 5).Draw(m.t, "entries") {
		size := rapid.SampledFrom([]int{0, 1, 1000, tailBytesMax / 3, tailBytesMax - 65, tailBytesMax + 1}).Draw(m.t, "size")
		e := &raftpb.Entry{
			Term: new(m.term), Index: new(m.end() + uint64(len(added))), Type: raftpb.EntryNormal.Enum(),
		}
		if size > 0 {
			e.Data = make([]byte, size)
			copy(e.Data, fmt.Sprint(e.GetIndex(), " of term ", m.term))
		}
		added = append(added, e)
	}
	if err := m.store.Append(m.ctx, added); err != nil {
		m.t.Fatal(err)
	}
	m.entries = append(m.entries, added...)
}

func (m *storeModel) snapshotAt(index uint64) *snapshot {
	term, err := m.store.Term(index)
	if err != nil {
		m.t.Fatal(err)
	}
	return &snapshot{
		index: index, term: term, conf: m.store.newest.conf, data: meta.EncodeSnapshot(&meta.Image{Index: index}),
	}
}

// compact makes a snapshot of our own, and keeps a few entries before it.
func (m *storeModel) compact(index, keep uint64) {
	snap := m.snapshotAt(index)
	if err := m.store.SaveSnapshot(snap.raft()); err != nil {
		m.t.Fatal(err)
	}
	before := m.store.base
	if err := m.store.Compact(snap.raft(), keep); err != nil {
		m.t.Fatal(err)
	}
	m.entries = m.entries[m.store.base-before:]
}

// install takes a leader's snapshot of what is beyond our end.
func (m *storeModel) install() {
	snap := m.snapshotAt(m.store.lastIndex())
	snap.index += 10
	if err := m.store.Install(snap.raft()); err != nil {
		m.t.Fatal(err)
	}
	m.entries = nil
}

// check reads on from an index to the end, in memory and from the log, and
// holds the memory to its bound.
func (m *storeModel) check(t *rapid.T) {
	s := m.store
	if s.log.end() != m.end() {
		t.Fatalf("the log ends at %d, want %d", s.log.end(), m.end())
	}
	kept := 0
	for i, e := range s.tail {
		kept += entryBytes(e)
		if want := s.log.end() - uint64(len(s.tail)-i); e.GetIndex() != want {
			t.Fatalf("entry %d of the tail is %d, want %d", i, e.GetIndex(), want)
		}
	}
	if kept != s.tailBytes {
		t.Fatalf("the tail has %d bytes and counts %d", kept, s.tailBytes)
	}
	if kept > tailBytesMax && len(s.tail) > 1 {
		t.Fatalf("the tail holds %d bytes in %d entries, at most %d are allowed", kept, len(s.tail), tailBytesMax)
	}
	if _, err := s.Entries(s.base, s.base+1, 1); !errors.Is(err, raft.ErrCompacted) {
		t.Fatalf("an entry that is gone: %v", err)
	}
	bytesMax := uint64(rapid.SampledFrom([]int{0, 1, 2000, tailBytesMax, 8 * tailBytesMax}).Draw(t, "bytesMax"))
	if len(m.entries) == 0 {
		return
	}
	// One somewhere, the last that is on the disk alone, the first in memory.
	for _, lo := range []uint64{rapid.Uint64Range(s.base+1, m.end()-1).Draw(t, "lo"), m.end() - uint64(len(s.tail)) - 1, m.end() - uint64(len(s.tail))} {
		if lo <= s.base || lo >= m.end() {
			continue
		}
		got, err := s.Entries(lo, m.end(), bytesMax)
		if err != nil {
			t.Fatal(err)
		}
		m.checkRead(t, lo, got)
		if sum := bytesOf(got); sum > int(bytesMax) && len(got) > 1 {
			t.Fatalf("read %d bytes in %d entries, at most %d were asked for", sum, len(got), bytesMax)
		}
		onDisk, err := s.log.read(lo, m.end(), readBytesMax)
		if err != nil {
			t.Fatal(err)
		}
		m.checkRead(t, lo, onDisk)
	}
}

func bytesOf(entries []*raftpb.Entry) int {
	sum := 0
	for _, e := range entries {
		sum += entryBytes(e)
	}
	return sum
}

func (m *storeModel) checkRead(t *rapid.T, lo uint64, got []*raftpb.Entry) {
	if len(got) == 0 {
		t.Fatalf("nothing read at %d, of [%d, %d)", lo, m.store.base+1, m.end())
	}
	for i, e := range got {
		want := m.entries[lo-m.store.base-1+uint64(i)]
		if !proto.Equal(e, want) {
			t.Fatalf("read entry %d of term %d with %d bytes, want entry %d of term %d with %d",
				e.GetIndex(), e.GetTerm(), len(e.GetData()), want.GetIndex(), want.GetTerm(), len(want.GetData()))
		}
	}
}

// The newest entries are kept in memory up to a bound; whether an entry comes
// from there or from the log makes no difference, whatever happened before.
func TestEntriesAreTheSameFromMemoryAndFromTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		if err := vfs.MkdirAllSynced(fs, dataDir); err != nil {
			t.Fatal(err)
		}
		disk := storage.NewDisk(storage.DiskOptions{FS: fs, Dir: dataDir, Logger: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- disk.Run(ctx) }()
		defer func() { stop(); <-done }()
		m := newStoreModel(t, ctx, fs, disk)
		defer m.close()
		t.Repeat(map[string]func(*rapid.T){
			"append": func(*rapid.T) { m.append(0) },
			"cut and append": func(t *rapid.T) {
				m.append(rapid.IntRange(0, len(m.entries)).Draw(t, "cut"))
			},
			"compact": func(t *rapid.T) {
				index := rapid.Uint64Range(m.store.base, m.store.lastIndex()).Draw(t, "index")
				m.compact(index, rapid.Uint64Range(0, 3).Draw(t, "keep"))
			},
			"install": func(*rapid.T) { m.install() },
			"":        m.check,
		})
	})
}
