package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/meta"
)

// The data of an entry, which is applied whole or not at all:
//
//	┌────────────┬───────────────┬───────────────────────┬─────────────────┐
//	│ format, u8 │ count uvarint │ count × name of a     │ records, to end │
//	│ = 1        │               │ command: length, text │ (package meta)  │
//	└────────────┴───────────────┴───────────────────────┴─────────────────┘
//
// The names are for people: they are logged when the entry is applied. An entry
// without data is raft's own, by which a leader begins its term.

const entryFormat = 1

// entryBytesMax bounds one entry: what one command may do at once, and what a
// leader sends in one piece. Creating the 10,000 partitions that one request
// may takes 0.5 MB.
const entryBytesMax = 8 << 20

var errEntry = errors.New("metadata entry is corrupt")

func appendEntry(commands []string, records []byte) []byte {
	b := []byte{entryFormat}
	b = binary.AppendUvarint(b, uint64(len(commands)))
	for _, name := range commands {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return append(b, records...)
}

func decodeEntry(b []byte) (commands []string, records []meta.Record, err error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	if b[0] != entryFormat {
		return nil, nil, fmt.Errorf("%w: format %d", errEntry, b[0])
	}
	count, n := binary.Uvarint(b[1:])
	if n <= 0 || count > uint64(len(b)) {
		return nil, nil, fmt.Errorf("%w: number of commands", errEntry)
	}
	b = b[1+n:]
	for range count {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return nil, nil, fmt.Errorf("%w: name of a command", errEntry)
		}
		commands = append(commands, string(b[n:n+int(length)]))
		b = b[n+int(length):]
	}
	records, err = meta.DecodeRecords(b)
	return commands, records, err
}
