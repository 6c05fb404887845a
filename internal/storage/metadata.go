package storage

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// partition.metadata tells which topic a directory belongs to, for a name may
// be deleted and created again. Kafka's text:
//
//	version: 0
//	topic_id: 2Vq0Hc5VQWu9sT2mM0qJ3w

// WriteTopicID writes a partition directory's partition.metadata.
func WriteTopicID(fs vfs.FS, dir string, id model.TopicID) error {
	return vfs.WriteFileAtomically(fs, filepath.Join(dir, metadataFile), formatTopicID(id))
}

func formatTopicID(id model.TopicID) []byte {
	return fmt.Appendf(nil, "version: 0\ntopic_id: %s\n", id)
}

// ReadTopicID reads a partition directory's partition.metadata. Where there is
// none the error is fs.ErrNotExist.
func ReadTopicID(fs vfs.FS, dir string) (model.TopicID, error) {
	path := filepath.Join(dir, metadataFile)
	data, err := readFile(fs, path)
	if err != nil {
		return model.TopicID{}, fmt.Errorf("read %s: %w", path, err)
	}
	return parseTopicID(path, data)
}

func parseTopicID(path string, data []byte) (model.TopicID, error) {
	corrupt := func(reason string) error {
		return &CorruptError{Path: path, Offset: model.NoOffset, Reason: reason}
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 2 || strings.TrimSpace(lines[0]) != "version: 0" {
		return model.TopicID{}, corrupt("not a version 0 partition.metadata")
	}
	text, ok := strings.CutPrefix(lines[1], "topic_id:")
	if !ok {
		return model.TopicID{}, corrupt("no topic_id")
	}
	id, err := model.ParseUUID(strings.TrimSpace(text))
	if err != nil {
		return model.TopicID{}, corrupt(err.Error())
	}
	return id, nil
}
