package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/chronik/chronik/internal/model"
)

// A raft message that is larger than wholeBytesMax, which only one with a snapshot can
// be, goes in pieces, each a request that is answered before the next is sent: what else
// goes to the node comes in between, and nobody waits for hundreds of megabytes.
//
//	u64 transfer | u64 total | u64 at | bytes at..
//
// The transfer is the sender's number for the message. Pieces come in order; the one at
// 0 begins anew, whatever came before.
const (
	pieceHeaderBytes = 24
	pieceBytes       = 1 << 20
	// wholeBytesMax goes in one request: builds that know of no pieces take so much too.
	wholeBytesMax = 16 << 20
	// messageBytesMax bounds what is put together: no file of a snapshot is larger
	// (package quorum), and raft adds little.
	messageBytesMax = 1<<30 + 1<<20
)

var errPiece = errors.New("malformed piece of a raft message")

// piece is a part of a message.
type piece struct {
	transfer, total, at uint64
	bytes               []byte
}

func (p *piece) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.transfer)
	b = binary.BigEndian.AppendUint64(b, p.total)
	b = binary.BigEndian.AppendUint64(b, p.at)
	return append(b, p.bytes...)
}

// decodePiece keeps a part of body as the piece's bytes.
func decodePiece(body []byte) (piece, error) {
	if len(body) <= pieceHeaderBytes || len(body) > pieceHeaderBytes+pieceBytes {
		return piece{}, fmt.Errorf("%w: %d bytes", errPiece, len(body))
	}
	p := piece{
		transfer: binary.BigEndian.Uint64(body), total: binary.BigEndian.Uint64(body[8:]),
		at: binary.BigEndian.Uint64(body[16:]), bytes: body[pieceHeaderBytes:],
	}
	if p.total > messageBytesMax || p.at > p.total || uint64(len(p.bytes)) > p.total-p.at {
		return piece{}, fmt.Errorf("%w: %d bytes at %d of %d", errPiece, len(p.bytes), p.at, p.total)
	}
	return p, nil
}

// split yields the pieces of a message.
func split(transfer uint64, message []byte) func(yield func(*piece) bool) {
	return func(yield func(*piece) bool) {
		for at := 0; at < len(message); at += pieceBytes {
			p := piece{transfer: transfer, total: uint64(len(message)), at: uint64(at), bytes: message[at:min(at+pieceBytes, len(message))]}
			if !yield(&p) {
				return
			}
		}
	}
}

// assemblies put messages together that come in pieces, one of a node at a time. They take
// as much memory as has come, not as was announced. They may be used concurrently.
type assemblies struct {
	mu   sync.Mutex
	from map[model.NodeID]*assembly
}

type assembly struct {
	transfer, total uint64
	bytes           []byte
}

// add takes a node's next piece; message is not nil with the last one. An error drops what
// has come: the sender begins again.
func (a *assemblies) add(from model.NodeID, p piece) (message []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.from == nil {
		a.from = make(map[model.NodeID]*assembly)
	}
	if p.at == 0 {
		a.from[from] = &assembly{transfer: p.transfer, total: p.total}
	}
	m := a.from[from]
	if m == nil || m.transfer != p.transfer || m.total != p.total || uint64(len(m.bytes)) != p.at {
		delete(a.from, from)
		return nil, fmt.Errorf("%w: the one at %d of %d is not the next", errPiece, p.at, p.total)
	}
	m.bytes = append(m.bytes, p.bytes...)
	if uint64(len(m.bytes)) < m.total {
		return nil, nil
	}
	delete(a.from, from)
	return m.bytes, nil
}

// drop forgets what has come of a node.
func (a *assemblies) drop(from model.NodeID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.from, from)
}
