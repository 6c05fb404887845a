package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Kind says what a message or request is about. The numbers are their senders'.
type Kind uint8

const (
	// BodyBytesMax bounds the body of a message, a request or an answer.
	BodyBytesMax = 64 << 20
	// StreamFrameBytesMax bounds a frame of a stream.
	StreamFrameBytesMax = 128 << 20

	// queueFramesMax and queueBytesMax bound what waits to be written to a link. One
	// frame is taken into an empty queue whatever its size.
	queueFramesMax = 4096
	queueBytesMax  = BodyBytesMax
	// requestsMax bounds the requests of a link that are not answered. Who asks for
	// more waits: the one who is asked must go on reading, since what the requests
	// wait for may be a message that comes behind them.
	requestsMax = 256
	// acceptedMax bounds the connections that are accepted, and handshakesMax those
	// of them that have not said who they are.
	acceptedMax   = 1024
	handshakesMax = 128

	handshakeMax = 2 * time.Second
	// Who is alive is not found out by these, but by leases and raft's timeouts; they
	// end connections that a network has forgotten. An idle cluster pays for them.
	heartbeatInterval = 2 * time.Second
	silenceMax        = 7 * time.Second
	writeStallMax     = 10 * time.Second
	redialMin         = 10 * time.Millisecond
	redialMax         = 500 * time.Millisecond
)

// Options say what a Network works with. Node, Addresses and Hello are required.
type Options struct {
	Node model.NodeID
	// Listener is the cluster port, bound already; nil: nobody is accepted. Run
	// closes it.
	Listener net.Listener
	// Addresses are where a node's cluster port may be, host:port, the newest word of it
	// first; none: not known. They are dialed in turn, and the first alone is probed. It
	// must not block.
	Addresses func(model.NodeID) []string
	// Hello is what this node says of itself now. Node, To and Purpose are filled in.
	Hello func() Hello
	// Judge decides whether a node is accepted, or spoken to where it was dialed; nil is
	// yes, and so is a nil Judge. It must not block.
	Judge func(Hello) *Rejection
	TLS   *TLS // nil: plain
	// Handler takes what arrives; nil where there is no Listener and nothing to be
	// told of rejections.
	Handler Handler
	Logger  *slog.Logger
}

// TLS has both sides present a certificate that the other side verifies. The server's
// ClientCAs and the client's RootCAs say by whom it has to be signed. A client
// configuration without ServerName expects the host of the address that is dialed.
type TLS struct{ Server, Client *tls.Config }

// Handler takes what other nodes send. Its methods are called concurrently.
type Handler interface {
	// Message takes a message; those of one node come in the order in which they
	// were sent, of which some may be missing. The body is the callee's to keep. Nothing
	// else of the link is read meanwhile: it must not block for long.
	Message(from model.NodeID, kind Kind, body []byte)
	// Request answers a request, on a goroutine of its own. An error reaches the
	// asker as a *RemoteError. ctx ends with the connection, and when nobody waits
	// for the answer any more. The body is the callee's to keep, the answer the
	// caller's.
	Request(ctx context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error)
	// Stream serves an accepted stream, which is closed when it returns.
	Stream(ctx context.Context, from Hello, s *Stream)
	// Lost tells that an accepted link has ended; the node may have died, or has
	// another link already. It is called once a link, and not when Run ends.
	Lost(node model.NodeID)
	// Rejected tells that who was dialed at an address of a node does not accept this
	// one. The dialing goes on where there is something to send, at its other addresses too.
	Rejected(node model.NodeID, r *Rejection)
}

// Rejection says why a node is not accepted. Final: trying again will not help, a
// person has to change something. That is who answers at an address that says so, which
// need not be who was meant.
type Rejection struct {
	Final  bool
	Reason string
	// Address is where it was answered, as it was dialed; "" where it is this node's own.
	Address string
}

func (r *Rejection) Error() string { return r.Reason }

// Errors of requests, streams and probes.
var (
	// ErrNotSent: the request has not been written, and may safely be repeated.
	ErrNotSent = errors.New("the request was not sent")
	// ErrLost: the connection or the caller's patience ended before the answer came;
	// whether the request was carried out is not known.
	ErrLost = errors.New("the request was sent, and no answer came")
	// ErrRefused: nobody listens at the node's address.
	ErrRefused = errors.New("nobody listens there")
	// ErrStopped: Run has not been called, or ends.
	ErrStopped = errors.New("connections between nodes are not running")
	// ErrTooLarge: a body exceeds BodyBytesMax, or a frame StreamFrameBytesMax.
	ErrTooLarge = errors.New("too large to be sent to another node")
)

// ProtocolError is a request to a node of an earlier release, which does not know what
// is asked. It goes with ErrNotSent.
type ProtocolError struct {
	Node          model.NodeID
	Speaks, Since model.Protocol
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("node %d speaks version %d of the protocol between nodes, and %d is needed: start a later release there", e.Node, e.Speaks, e.Since)
}

// RemoteError is what a request's handler on the other node has returned.
type RemoteError struct {
	Node model.NodeID
	Text string
}

func (e *RemoteError) Error() string { return fmt.Sprintf("node %d: %s", e.Node, e.Text) }
