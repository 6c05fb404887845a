package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// The handshake, before anything else on a connection:
//
//	dialer   ─▶ magic | u16 lowest version | u16 highest | u32 n | n Hello
//	acceptor ─▶ magic | u16 version | u8 verdict | u32 n | n Hello, or reason
//
// The layout up to the length never changes, nor what a Hello begins with. The
// acceptor closes the connection without a word where the magic is another. The version
// that it answers with is the highest that both know: what is sent on the connection
// came with that version or an earlier one.
const (
	magic = "chronik\x01"

	offerBytes  = len(magic) + 8
	answerBytes = len(magic) + 7
)

// verdict is whether a connection is accepted.
type verdict uint8

const (
	verdictAccepted verdict = iota
	verdictRejected
	verdictFinal // rejected, and not to be tried again
)

var (
	errMagic   = errors.New("the other side is no node of a cluster")
	errVerdict = errors.New("malformed answer to the greeting")
)

// greet is the dialer's side. A rejection is a *Rejection. It leaves no deadline.
func greet(conn net.Conn, h *Hello, deadline time.Time) (Hello, error) {
	if err := h.check(); err != nil {
		return Hello{}, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return Hello{}, err
	}
	if _, err := conn.Write(encodeOffer(h)); err != nil {
		return Hello{}, err
	}
	answer, err := readAnswer(conn)
	if err != nil {
		return Hello{}, err
	}
	if answer.Node != h.To {
		return Hello{}, wrongNode(answer.Node, h.To)
	}
	return answer, conn.SetDeadline(time.Time{})
}

func encodeOffer(h *Hello) []byte {
	b := append(make([]byte, 0, 256), magic...)
	b = binary.BigEndian.AppendUint16(b, uint16(model.OldestProtocol))
	b = binary.BigEndian.AppendUint16(b, uint16(model.NewestProtocol))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = h.append(b)
	binary.BigEndian.PutUint32(b[offerBytes-4:], uint32(len(b)-offerBytes))
	return b
}

// readOffer reads what a dialer sends. Where the versions do not meet it is a
// *Rejection, and the Hello is still there.
func readOffer(r io.Reader) (Hello, error) {
	var head [offerBytes]byte
	if err := readMagic(r, head[:]); err != nil {
		return Hello{}, err
	}
	lowest, highest := protocolAt(head[len(magic):]), protocolAt(head[len(magic)+2:])
	body, err := readGreeting(r, binary.BigEndian.Uint32(head[len(magic)+4:]))
	if err != nil {
		return Hello{}, err
	}
	h, err := decodeHello(body)
	h.Protocol = min(highest, model.NewestProtocol)
	if err == nil && (h.Protocol < lowest || h.Protocol < model.OldestProtocol) {
		err = &Rejection{Final: true, Reason: fmt.Sprintf(
			"node %d speaks versions %d to %d of the protocol between nodes, and this node %d to %d: run releases that have one in common",
			h.Node, lowest, highest, model.OldestProtocol, model.NewestProtocol)}
	}
	return h, err
}

func protocolAt(b []byte) model.Protocol { return model.Protocol(binary.BigEndian.Uint16(b)) }

// readMagic fills head, whose beginning has to be the magic. It reads no further
// where it is not.
func readMagic(r io.Reader, head []byte) error {
	if _, err := io.ReadFull(r, head[:len(magic)]); err != nil {
		return err
	}
	if string(head[:len(magic)]) != magic {
		return errMagic
	}
	_, err := io.ReadFull(r, head[len(magic):])
	return err
}

func readGreeting(r io.Reader, n uint32) ([]byte, error) {
	if n > helloBytesMax {
		return nil, fmt.Errorf("%w: %d bytes", errHello, n)
	}
	return readBody(r, nil, int(n))
}

func encodeAnswer(p model.Protocol, v verdict, body []byte) []byte {
	b := append(make([]byte, 0, 256), magic...)
	b = binary.BigEndian.AppendUint16(b, uint16(p))
	b = append(b, byte(v))
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

func acceptance(h *Hello) []byte { return encodeAnswer(h.Protocol, verdictAccepted, h.append(nil)) }

func rejection(r *Rejection) []byte {
	v := verdictRejected
	if r.Final {
		v = verdictFinal
	}
	return encodeAnswer(model.NewestProtocol, v, []byte(r.Reason[:min(len(r.Reason), reasonMax)]))
}

// readAnswer reads what an acceptor answers. A rejection is a *Rejection.
func readAnswer(r io.Reader) (Hello, error) {
	var head [answerBytes]byte
	if err := readMagic(r, head[:]); err != nil {
		return Hello{}, err
	}
	body, err := readGreeting(r, binary.BigEndian.Uint32(head[len(magic)+3:]))
	if err != nil {
		return Hello{}, err
	}
	switch v := verdict(head[len(magic)+2]); v {
	case verdictRejected, verdictFinal:
		return Hello{}, &Rejection{Final: v == verdictFinal, Reason: string(body)}
	case verdictAccepted:
	default:
		return Hello{}, fmt.Errorf("%w: verdict %d", errVerdict, v)
	}
	v := protocolAt(head[len(magic):])
	if v < model.OldestProtocol || v > model.NewestProtocol {
		return Hello{}, fmt.Errorf("%w: version %d", errVerdict, v)
	}
	h, err := decodeHello(body)
	h.Protocol = v
	return h, err
}

// wrongNode is not final: an address may be of yesterday.
func wrongNode(found, meant model.NodeID) *Rejection {
	return &Rejection{Reason: fmt.Sprintf("node %d listens there, not node %d: check --peers", found, meant)}
}
