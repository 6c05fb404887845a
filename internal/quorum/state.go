package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/vfs"
)

// quorum-state holds what Raft must not forget besides its log. It is replaced
// as a whole whenever the term, the vote or the membership changes. Big endian:
//
//	┌──────────┬───────────┬───────────────┬───────────────┬───────────────┐
//	│ crc, u32 │ format,u8 │ term, u64     │ vote, u64     │ commit, u64   │
//	├──────────┴───────────┴───────────────┴───────────────┴───────────────┤
//	│ ConfState as protobuf, to the end of the file                        │
//	└──────────────────────────────────────────────────────────────────────┘
//
// crc is CRC-32C of all that follows it. vote is a Raft id, 0 for none. commit
// is what was known when the file was last written, and may be behind.
const (
	stateFile     = "quorum-state"
	stateFormat   = 1
	stateHead     = 4 + 1 + 3*8
	stateBytesMax = 1 << 20
)

// hardState is the content of quorum-state.
type hardState struct {
	term, vote, commit uint64
	members            *raftpb.ConfState
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CorruptError says that a file of the quorum is not what was written.
type CorruptError struct {
	Path, Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is corrupt: %s; restore the file, or start the node with an empty data directory to give up its metadata", e.Path, e.Reason)
}

func encodeState(s hardState) ([]byte, error) {
	b := make([]byte, 4, stateHead+64)
	b = append(b, stateFormat)
	b = binary.BigEndian.AppendUint64(b, s.term)
	b = binary.BigEndian.AppendUint64(b, s.vote)
	b = binary.BigEndian.AppendUint64(b, s.commit)
	b, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, s.members)
	if err != nil {
		return nil, fmt.Errorf("encode quorum members: %w", err)
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b, nil
}

// decodeState returns a reason where b is not what encodeState makes.
func decodeState(b []byte) (s hardState, reason string) {
	switch {
	case len(b) < stateHead:
		return s, fmt.Sprintf("it has %d bytes", len(b))
	case crc32.Checksum(b[4:], castagnoli) != binary.BigEndian.Uint32(b):
		return s, "its checksum does not match"
	case b[4] != stateFormat:
		return s, fmt.Sprintf("format %d is not known to this build", b[4])
	}
	s.term = binary.BigEndian.Uint64(b[5:])
	s.vote = binary.BigEndian.Uint64(b[13:])
	s.commit = binary.BigEndian.Uint64(b[21:])
	s.members = new(raftpb.ConfState)
	if err := proto.Unmarshal(b[stateHead:], s.members); err != nil {
		return s, "its members cannot be decoded"
	}
	return s, ""
}

// readState reads quorum-state; false where there is none.
func readState(fsys vfs.FS, dir string) (hardState, bool, error) {
	path := filepath.Join(dir, stateFile)
	b, err := vfs.ReadFile(fsys, path, stateBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return hardState{}, false, nil
	}
	if err != nil {
		return hardState{}, false, fmt.Errorf("read %s: %w", path, err)
	}
	s, reason := decodeState(b)
	if reason != "" {
		return hardState{}, false, &CorruptError{Path: path, Reason: reason}
	}
	return s, true, nil
}

func writeState(fsys vfs.FS, dir string, s hardState) error {
	b, err := encodeState(s)
	if err != nil {
		return err
	}
	return vfs.WriteFileAtomically(fsys, filepath.Join(dir, stateFile), b)
}
