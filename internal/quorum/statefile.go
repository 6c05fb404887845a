package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	iofs "io/fs"
	"path/filepath"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/vfs"
)

// quorum-state holds what this node has promised. Big-endian; replaced whole.
//
//	 0       4       8              16             24             32     36
//	┌───────┬───────┬──────────────┬──────────────┬──────────────┬───────┐
//	│"CQST" │version│ term         │ vote         │ commit       │ crc   │
//	└───────┴───────┴──────────────┴──────────────┴──────────────┴───────┘
//
// vote is 0 for nobody, else a node's id + 1. commit is a hint: all up to there
// was committed and in the log when this was written. crc is CRC-32C of the 32
// bytes before it.
const (
	stateFile    = "quorum-state"
	stateMagic   = 0x43515354 // CQST
	stateVersion = 1
	stateSize    = 36
)

// CorruptError is a file of the metadata that does not hold what was written.
type CorruptError struct {
	Path   string
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is corrupt: %s; restore the data directory; with several voters, the node can be removed from them and begin anew with an empty one", e.Path, e.Reason)
}

func castagnoli(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func appendChecksum(b []byte) []byte { return binary.BigEndian.AppendUint32(b, castagnoli(b)) }

func encodeState(hs *raftpb.HardState) []byte {
	b := make([]byte, 0, stateSize)
	b = binary.BigEndian.AppendUint32(b, stateMagic)
	b = binary.BigEndian.AppendUint32(b, stateVersion)
	b = binary.BigEndian.AppendUint64(b, hs.GetTerm())
	b = binary.BigEndian.AppendUint64(b, hs.GetVote())
	b = binary.BigEndian.AppendUint64(b, hs.GetCommit())
	return appendChecksum(b)
}

func decodeState(b []byte) (*raftpb.HardState, error) {
	switch {
	case len(b) != stateSize:
		return nil, fmt.Errorf("%d bytes instead of %d", len(b), stateSize)
	case binary.BigEndian.Uint32(b) != stateMagic:
		return nil, errors.New("it does not begin with CQST")
	case binary.BigEndian.Uint32(b[4:]) != stateVersion:
		return nil, fmt.Errorf("it has version %d, this build knows %d", binary.BigEndian.Uint32(b[4:]), stateVersion)
	case binary.BigEndian.Uint32(b[32:]) != castagnoli(b[:32]):
		return nil, errors.New("its checksum does not match")
	}
	return hardState(binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])), nil
}

func hardState(term, vote, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: new(term), Vote: new(vote), Commit: new(commit)}
}

// readState is nil where there is no file.
func readState(fs vfs.FS, dir string) (*raftpb.HardState, error) {
	path := filepath.Join(dir, stateFile)
	b, err := vfs.ReadFile(fs, path, stateSize)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, nil
	}
	if tooLarge := (*vfs.TooLargeError)(nil); errors.As(err, &tooLarge) {
		return nil, &CorruptError{Path: path, Reason: err.Error()}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	hs, err := decodeState(b)
	if err != nil {
		return nil, &CorruptError{Path: path, Reason: err.Error()}
	}
	return hs, nil
}

func writeState(fs vfs.FS, dir string, hs *raftpb.HardState) error {
	return vfs.WriteFileAtomically(fs, filepath.Join(dir, stateFile), encodeState(hs))
}
