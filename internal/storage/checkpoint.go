package storage

import (
	"cmp"
	"errors"
	"fmt"
	iofs "io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// An offset checkpoint is Kafka's text file:
//
//	0                      version
//	2                      number of entries
//	orders 0 1200          topic partition offset
//	orders 1 1187
//
// It is replaced atomically, so it is old or new after a crash. Readers must
// be content with an old one.

// smallFileBytesMax bounds the text and snapshot files that are read whole: a
// checkpoint of 100,000 partitions has about 5 MiB.
const smallFileBytesMax = 64 << 20

// readFile reads a small file whole.
func readFile(fs vfs.FS, path string) ([]byte, error) {
	data, err := vfs.ReadFile(fs, path, smallFileBytesMax)
	var tooLarge *vfs.TooLargeError
	if errors.As(err, &tooLarge) {
		return nil, &CorruptError{Path: path, Position: smallFileBytesMax, Offset: model.NoOffset, Reason: err.Error()}
	}
	return data, err
}

// ReadOffsetCheckpoint reads one of a data directory's checkpoint files. One
// that does not exist is empty.
func ReadOffsetCheckpoint(fs vfs.FS, dir, name string) (map[model.TopicPartition]model.Offset, error) {
	path := filepath.Join(dir, name)
	data, err := readFile(fs, path)
	if errors.Is(err, iofs.ErrNotExist) {
		return map[model.TopicPartition]model.Offset{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return parseOffsetCheckpoint(path, data)
}

func formatOffsetCheckpoint(offsets map[model.TopicPartition]model.Offset) []byte {
	keys := make([]model.TopicPartition, 0, len(offsets))
	for tp := range offsets {
		keys = append(keys, tp)
	}
	slices.SortFunc(keys, func(a, b model.TopicPartition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	const entryBytes = 32
	b := fmt.Appendf(make([]byte, 0, entryBytes*(len(keys)+1)), "0\n%d\n", len(keys))
	for _, tp := range keys {
		b = append(append(b, tp.Topic...), ' ')
		b = append(strconv.AppendInt(b, int64(tp.Partition), 10), ' ')
		b = append(strconv.AppendInt(b, int64(offsets[tp]), 10), '\n')
	}
	return b
}

func parseOffsetCheckpoint(path string, data []byte) (map[model.TopicPartition]model.Offset, error) {
	lines, err := checkpointLines(path, data)
	if err != nil {
		return nil, err
	}
	offsets := make(map[model.TopicPartition]model.Offset, len(lines))
	for i, line := range lines {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, corruptLine(path, i, line)
		}
		partition, err1 := strconv.ParseInt(fields[1], 10, 32)
		offset, err2 := strconv.ParseInt(fields[2], 10, 64)
		if err1 != nil || err2 != nil || partition < 0 {
			return nil, corruptLine(path, i, line)
		}
		offsets[model.TopicPartition{Topic: fields[0], Partition: model.Partition(partition)}] = model.Offset(offset)
	}
	return offsets, nil
}

// checkpointLines reads version and count and returns the lines that follow.
func checkpointLines(path string, data []byte) ([]string, error) {
	text := strings.TrimSuffix(string(data), "\n")
	lines := strings.Split(text, "\n")
	if len(lines) < 2 || strings.TrimSpace(lines[0]) != "0" {
		return nil, &CorruptError{Path: path, Offset: model.NoOffset, Reason: "no version 0 in the first line"}
	}
	n, err := strconv.Atoi(strings.TrimSpace(lines[1]))
	if err != nil || n != len(lines)-2 {
		return nil, &CorruptError{Path: path, Offset: model.NoOffset,
			Reason: fmt.Sprintf("the second line says %q entries, there are %d", lines[1], len(lines)-2)}
	}
	return lines[2:], nil
}

func corruptLine(path string, i int, line string) error {
	return &CorruptError{Path: path, Offset: model.NoOffset, Reason: fmt.Sprintf("line %d is %q", i+3, line)}
}
