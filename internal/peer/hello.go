package peer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

// Purpose is what a connection is for.
type Purpose uint8

// The purposes.
const (
	PurposeLink   Purpose = 1
	PurposeStream Purpose = 2
)

// Hello is what a node says of itself when a connection begins.
type Hello struct {
	Purpose     Purpose
	Node        model.NodeID
	To          model.NodeID // whom it means to reach
	ClusterID   string       // "": not known yet
	Directory   model.DirectoryID
	Incarnation model.Incarnation
	Voters      []model.NodeID // sorted; nil: not known
	// Protocol is the version that both nodes speak on the connection: that of the
	// handshake, not a part of what is said.
	Protocol model.Protocol
}

const (
	// helloBytesMax bounds a Hello as the other side may send it.
	helloBytesMax = 16 << 10
	clusterIDMax  = 256
	votersMax     = 1024
	reasonMax     = 1024
)

var errHello = errors.New("malformed greeting")

// check refuses what could not be sent.
func (h *Hello) check() error {
	switch {
	case len(h.ClusterID) > clusterIDMax:
		return fmt.Errorf("a cluster id of %d bytes; at most %d can be sent", len(h.ClusterID), clusterIDMax)
	case len(h.Voters) > votersMax:
		return fmt.Errorf("%d voters; at most %d can be sent", len(h.Voters), votersMax)
	}
	return nil
}

// append writes a Hello, whose fields are within their limits:
//
//	u8 purpose | i32 node | i32 to | 16 directory | 16 incarnation
//	u16 n | n cluster id | u16 n | n × i32 voters
//
// A later version adds at the end; what is not known there is skipped.
func (h *Hello) append(b []byte) []byte {
	b = append(b, byte(h.Purpose))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Node))
	b = binary.BigEndian.AppendUint32(b, uint32(h.To))
	b = append(b, h.Directory[:]...)
	b = append(b, h.Incarnation[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.ClusterID)))
	b = append(b, h.ClusterID...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Voters)))
	for _, v := range h.Voters {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}

// decodeHello reads what append writes.
func decodeHello(b []byte) (Hello, error) {
	r := fields{b: b}
	var h Hello
	h.Purpose = Purpose(r.bytes(1)[0])
	h.Node = model.NodeID(r.uint32())
	h.To = model.NodeID(r.uint32())
	copy(h.Directory[:], r.bytes(len(h.Directory)))
	copy(h.Incarnation[:], r.bytes(len(h.Incarnation)))
	id := int(r.uint16())
	if id > clusterIDMax {
		return Hello{}, fmt.Errorf("%w: a cluster id of %d bytes", errHello, id)
	}
	h.ClusterID = string(r.bytes(id))
	voters := int(r.uint16())
	if voters > votersMax {
		return Hello{}, fmt.Errorf("%w: %d voters", errHello, voters)
	}
	for i := 0; i < voters && !r.short; i++ {
		h.Voters = append(h.Voters, model.NodeID(r.uint32()))
	}
	switch {
	case r.short:
		return Hello{}, fmt.Errorf("%w: %d bytes are not enough", errHello, len(b))
	case h.Node < 0:
		return Hello{}, fmt.Errorf("%w: node %d", errHello, h.Node)
	case h.Purpose != PurposeLink && h.Purpose != PurposeStream:
		return Hello{}, fmt.Errorf("%w: purpose %d", errHello, h.Purpose)
	}
	return h, nil
}

// fields reads numbers off bytes. Beyond their end it reads zeros, and is short.
type fields struct {
	b     []byte
	short bool
}

// bytes are the next n, of a Hello's few.
func (r *fields) bytes(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *fields) uint16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }
func (r *fields) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }
