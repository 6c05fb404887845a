package model

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
)

// UUID is a random 128-bit identifier, written as Kafka writes it: 22
// characters of unpadded URL-safe base64.
type UUID [16]byte

// TopicID is the identity of a topic, which its name is not: a topic that is
// deleted and created again has another (KIP-516).
type TopicID = UUID

// DirectoryID identifies a data directory; an emptied disk has a new one.
type DirectoryID = UUID

// Incarnation identifies one run of a broker process.
type Incarnation = UUID

// NewUUID returns a random identifier. Like Kafka it never begins with a dash,
// so that the text can stand as a command-line argument.
func NewUUID() UUID {
	for {
		var u UUID
		rand.Read(u[:]) // never fails (crypto/rand)
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		if u.String()[0] != '-' {
			return u
		}
	}
}

// IsZero reports whether u is Kafka's "no id".
func (u UUID) IsZero() bool { return u == UUID{} }

func (u UUID) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

// ParseUUID reads the form that String writes.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != len(u) {
		return UUID{}, fmt.Errorf("parse uuid %q: want 22 characters of URL-safe base64", s)
	}
	copy(u[:], b)
	return u, nil
}

// TopicPartition names a partition by its topic's name.
type TopicPartition struct {
	Topic     string
	Partition Partition
}

// String is Kafka's directory name for the partition: topic-partition.
func (tp TopicPartition) String() string {
	return tp.Topic + "-" + strconv.Itoa(int(tp.Partition))
}
