package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/vfs"
)

// A snapshot is in <index>-<term>.checkpoint, 20 and 10 digits. Big-endian;
// written whole under another name, and renamed.
//
//	 0       4       8              16             24
//	┌───────┬───────┬──────────────┬──────────────┐
//	│"CQSN" │version│ index        │ term         │
//	├───────┴───────┴──────────────┴──────────────┤
//	│ voters, learners, outgoing voters, next     │   each a u32 count and so many
//	│ learners                                    │   u64 ids (a node's id + 1)
//	├─────────────┬────────────┬──────────────────┤
//	│auto leave u8│ length u64 │ the image,       │   package meta's snapshot
//	├─────────────┴────────────┘ length bytes     │
//	├───────┬─────────────────────────────────────┘
//	│ crc   │   CRC-32C of all before it
//	└───────┘
const (
	snapshotSuffix  = ".checkpoint"
	snapshotMagic   = 0x4351534e // CQSN
	snapshotVersion = 1
	// snapshotBytesMax bounds what is read into memory: more than ten million
	// partitions take.
	snapshotBytesMax = 1 << 30
)

func snapshotName(index, term uint64) string {
	return fmt.Sprintf("%020d-%010d%s", index, term, snapshotSuffix)
}

// snapshotIndex is the index in a snapshot's name; ok is false for other files.
func snapshotIndex(name string) (index uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, snapshotSuffix)
	if !ok {
		return 0, false
	}
	var term uint64
	if n, err := fmt.Sscanf(digits, "%d-%d", &index, &term); n != 2 || err != nil {
		return 0, false
	}
	return index, snapshotName(index, term) == name
}

// snapshot is an image's bytes with what raft knows of it.
type snapshot struct {
	index, term uint64
	conf        *raftpb.ConfState
	data        []byte
}

func (s *snapshot) raft() *raftpb.Snapshot {
	return &raftpb.Snapshot{
		Data:     s.data,
		Metadata: &raftpb.SnapshotMetadata{ConfState: s.conf, Index: new(s.index), Term: new(s.term)},
	}
}

func snapshotOf(s *raftpb.Snapshot) *snapshot {
	m := s.GetMetadata()
	return &snapshot{index: m.GetIndex(), term: m.GetTerm(), conf: m.GetConfState(), data: s.GetData()}
}

func encodeSnapshot(s *snapshot) []byte {
	b := make([]byte, 0, len(s.data)+128)
	b = binary.BigEndian.AppendUint32(b, snapshotMagic)
	b = binary.BigEndian.AppendUint32(b, snapshotVersion)
	b = binary.BigEndian.AppendUint64(b, s.index)
	b = binary.BigEndian.AppendUint64(b, s.term)
	for _, ids := range [][]uint64{s.conf.GetVoters(), s.conf.GetLearners(), s.conf.GetVotersOutgoing(), s.conf.GetLearnersNext()} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(ids)))
		for _, id := range ids {
			b = binary.BigEndian.AppendUint64(b, id)
		}
	}
	leave := byte(0)
	if s.conf.GetAutoLeave() {
		leave = 1
	}
	b = append(b, leave)
	b = binary.BigEndian.AppendUint64(b, uint64(len(s.data)))
	b = append(b, s.data...)
	return appendChecksum(b)
}

// decodeSnapshot keeps a part of b as the snapshot's data.
func decodeSnapshot(b []byte) (*snapshot, error) {
	const fixed = 24 + 4*4 + 1 + 8 + 4
	if len(b) < fixed {
		return nil, fmt.Errorf("%d bytes are not a snapshot", len(b))
	}
	body := b[:len(b)-4]
	switch {
	case binary.BigEndian.Uint32(b) != snapshotMagic:
		return nil, errors.New("it does not begin with CQSN")
	case binary.BigEndian.Uint32(b[4:]) != snapshotVersion:
		return nil, fmt.Errorf("it has version %d, this build knows %d", binary.BigEndian.Uint32(b[4:]), snapshotVersion)
	case binary.BigEndian.Uint32(b[len(body):]) != castagnoli(body):
		return nil, errors.New("its checksum does not match")
	}
	s := &snapshot{index: binary.BigEndian.Uint64(b[8:]), term: binary.BigEndian.Uint64(b[16:]), conf: new(raftpb.ConfState)}
	body = body[24:]
	for _, ids := range []*[]uint64{&s.conf.Voters, &s.conf.Learners, &s.conf.VotersOutgoing, &s.conf.LearnersNext} {
		var ok bool
		if *ids, body, ok = decodeIDs(body); !ok {
			return nil, errors.New("its list of voters is cut off")
		}
	}
	if len(body) < 9 || binary.BigEndian.Uint64(body[1:]) != uint64(len(body)-9) {
		return nil, errors.New("its length does not match")
	}
	if body[0] != 0 {
		s.conf.AutoLeave = new(true)
	}
	s.data = body[9:]
	return s, nil
}

func decodeIDs(b []byte) (ids []uint64, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	count := int(binary.BigEndian.Uint32(b))
	b = b[4:]
	if count > len(b)/8 {
		return nil, nil, false
	}
	for range count {
		ids, b = append(ids, binary.BigEndian.Uint64(b)), b[8:]
	}
	return ids, b, true
}

func writeSnapshot(fs vfs.FS, dir string, s *snapshot) error {
	return vfs.WriteFileAtomically(fs, filepath.Join(dir, snapshotName(s.index, s.term)), encodeSnapshot(s))
}

func readSnapshot(fs vfs.FS, path string) (*snapshot, error) {
	b, err := vfs.ReadFile(fs, path, snapshotBytesMax)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	s, err := decodeSnapshot(b)
	if err != nil {
		return nil, &CorruptError{Path: path, Reason: err.Error()}
	}
	if snapshotName(s.index, s.term) != filepath.Base(path) {
		return nil, &CorruptError{Path: path, Reason: fmt.Sprintf("it holds index %d of term %d", s.index, s.term)}
	}
	return s, nil
}

// listSnapshots names the snapshot files, the oldest first.
func listSnapshots(fs vfs.FS, dir string) ([]string, error) {
	infos, err := fs.ReadDir(dir) // by name, and so by index
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var names []string
	for _, info := range infos {
		if _, ok := snapshotIndex(info.Name); ok {
			names = append(names, info.Name)
		}
	}
	return names, nil
}
