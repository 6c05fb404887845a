package group

import (
	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/coordinator"
)

// Client is who speaks: what DescribeGroups shows of a member.
type Client struct {
	ID   string
	Host string // as Kafka writes it: with a slash before the address
}

// protocol is a way to assign partitions that a member knows, and what the
// member tells the leader about itself in it.
type protocol struct {
	name     string
	metadata []byte
}

// member is a member of a group.
type member struct {
	id       string
	instance string // group.instance.id; "": a dynamic member
	client   Client
	// rebalanceTimeout is how long a rebalance waits for the member; the
	// session ends after sessionTimeout without a sign of life.
	rebalanceTimeout time.Duration
	sessionTimeout   time.Duration
	// protocols are in the member's order of preference.
	protocols  []protocol
	assignment []byte

	// joining and syncing are the requests that the member waits for; nil: none.
	joining *coordinator.Waiter
	syncing *coordinator.Waiter
	// fresh: the member has not had a generation yet, and may be removed even
	// while it waits for one.
	fresh bool
}

// metadata is what the member says of itself in a protocol.
func (m *member) metadata(name string) []byte {
	for _, p := range m.protocols {
		if p.name == name {
			return p.metadata
		}
	}
	return nil
}

// matches reports whether protocols are the member's own, metadata and all.
func (m *member) matches(protocols []protocol) bool {
	if len(protocols) != len(m.protocols) {
		return false
	}
	for i, p := range protocols {
		if p.name != m.protocols[i].name || !bytes.Equal(p.metadata, m.protocols[i].metadata) {
			return false
		}
	}
	return true
}

// protocolBytes is what the member's protocols take in memory.
func (m *member) protocolBytes() int { return bytesOf(m.protocols) }

func bytesOf(protocols []protocol) int {
	size := 0
	for _, p := range protocols {
		size += len(p.name) + len(p.metadata)
	}
	return size
}

// protocolsOf copies a request's protocols: its memory is not ours.
func protocolsOf(r *kmsg.JoinGroupRequest) []protocol {
	protocols := make([]protocol, len(r.Protocols))
	for i, p := range r.Protocols {
		protocols[i] = protocol{name: p.Name, metadata: bytes.Clone(p.Metadata)}
	}
	return protocols
}

// instancePointer is how kmsg and the records have instance ids.
func instancePointer(instance string) *string {
	if instance == "" {
		return nil
	}
	return &instance
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
