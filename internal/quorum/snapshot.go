package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/vfs"
)

// A snapshot is a file <index>-<term>.checkpoint, 20 and 10 digits. Big endian:
//
//	┌──────────┬────────────┬──────────────────┬───────────────────┐
//	│ crc, u32 │ format, u8 │ members len, u32 │ members, protobuf │
//	├──────────┴────────────┴──────────────────┴───────────────────┤
//	│ the image (meta.EncodeSnapshot), to the end of the file      │
//	└──────────────────────────────────────────────────────────────┘
//
// crc is CRC-32C of all that follows it. The file is complete under its name or
// not there; older ones are removed once a newer one is durable.
const (
	snapshotSuffix = ".checkpoint"
	snapshotFormat = 1
	snapshotHead   = 4 + 1 + 4
	// snapshotBytesMax bounds what is read: a million partitions have 60 MB.
	snapshotBytesMax = 1 << 30
)

func snapshotName(index, term uint64) string {
	return fmt.Sprintf("%020d-%010d%s", index, term, snapshotSuffix)
}

// parseSnapshotName is the reverse; false for other files.
func parseSnapshotName(name string) (index, term uint64, ok bool) {
	stem, isSnapshot := strings.CutSuffix(name, snapshotSuffix)
	first, second, found := strings.Cut(stem, "-")
	if !isSnapshot || !found {
		return 0, 0, false
	}
	index, err1 := strconv.ParseUint(first, 10, 64)
	term, err2 := strconv.ParseUint(second, 10, 64)
	return index, term, err1 == nil && err2 == nil && name == snapshotName(index, term)
}

func encodeSnapshot(s *raftpb.Snapshot) ([]byte, error) {
	members, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.GetMetadata().GetConfState())
	if err != nil {
		return nil, fmt.Errorf("encode quorum members: %w", err)
	}
	b := make([]byte, 4, snapshotHead+len(members)+len(s.Data))
	b = append(b, snapshotFormat)
	b = binary.BigEndian.AppendUint32(b, uint32(len(members)))
	b = append(b, members...)
	b = append(b, s.Data...)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b, nil
}

// decodeSnapshot returns a reason where b is not what encodeSnapshot makes.
func decodeSnapshot(b []byte) (members *raftpb.ConfState, image []byte, reason string) {
	switch {
	case len(b) < snapshotHead:
		return nil, nil, fmt.Sprintf("it has %d bytes", len(b))
	case crc32.Checksum(b[4:], castagnoli) != binary.BigEndian.Uint32(b):
		return nil, nil, "its checksum does not match"
	case b[4] != snapshotFormat:
		return nil, nil, fmt.Sprintf("format %d is not known to this build", b[4])
	}
	size, rest := uint64(binary.BigEndian.Uint32(b[5:])), b[snapshotHead:]
	if size > uint64(len(rest)) {
		return nil, nil, "its members are longer than it is"
	}
	members = new(raftpb.ConfState)
	if err := proto.Unmarshal(rest[:size], members); err != nil {
		return nil, nil, "its members cannot be decoded"
	}
	return members, rest[size:], ""
}

// writeSnapshot makes a snapshot durable.
func writeSnapshot(fsys vfs.FS, dir string, s *raftpb.Snapshot) error {
	b, err := encodeSnapshot(s)
	if err != nil {
		return err
	}
	name := snapshotName(s.GetMetadata().GetIndex(), s.GetMetadata().GetTerm())
	return vfs.WriteFileAtomically(fsys, filepath.Join(dir, name), b)
}

// snapshotNames lists the snapshots in a directory, oldest first.
func snapshotNames(fsys vfs.FS, dir string) ([]string, error) {
	entries, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var names []string
	for _, e := range entries {
		if _, _, ok := parseSnapshotName(e.Name); ok {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names) // the digits are of equal number
	return names, nil
}

// readSnapshot reads the newest snapshot; nil where there is none. One that is
// corrupt is an error, not a reason to take an older: the log in between is gone.
func readSnapshot(fsys vfs.FS, dir string) (*raftpb.Snapshot, error) {
	names, err := snapshotNames(fsys, dir)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	path := filepath.Join(dir, names[len(names)-1])
	b, err := vfs.ReadFile(fsys, path, snapshotBytesMax)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	members, image, reason := decodeSnapshot(b)
	if reason != "" {
		return nil, &CorruptError{Path: path, Reason: reason}
	}
	index, term, _ := parseSnapshotName(names[len(names)-1])
	return newSnapshot(index, term, members, image), nil
}

func newSnapshot(index, term uint64, members *raftpb.ConfState, image []byte) *raftpb.Snapshot {
	return &raftpb.Snapshot{
		Data:     image,
		Metadata: &raftpb.SnapshotMetadata{ConfState: members, Index: &index, Term: &term},
	}
}

// removeSnapshots removes those older than keep. What it cannot remove it finds
// again after the next snapshot.
func removeSnapshots(fsys vfs.FS, dir string, keep uint64) error {
	names, err := snapshotNames(fsys, dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if index, _, _ := parseSnapshotName(name); index < keep {
			if err := fsys.Remove(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("remove %s: %w", name, err)
			}
		}
	}
	return nil
}
