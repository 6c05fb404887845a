package server

import (
	"context"
	"net"

	"github.com/chronik/chronik/internal/model"
)

// Request is one request as it came off a connection: its header parsed, its
// body not yet. Body is valid until the Reply has returned.
type Request struct {
	Key           int16
	Version       int16
	CorrelationID int32
	ClientID      string // "" where the client sent null
	Body          []byte
	Conn          *ConnInfo
}

// ConnInfo describes the connection a request came by. Immutable.
type ConnInfo struct {
	Listener  string // name of the listener, such as PLAINTEXT
	Local     net.Addr
	Remote    net.Addr
	Principal model.Principal
}

// Reply finishes a request: it appends the response (header and body, without
// the frame's length) to dst and returns the result. It runs on the
// connection's writing goroutine, in the order of the requests, and may wait; ctx
// ends when the connection does or the server stops. It returns (nil, nil)
// where the request has no response (Produce with acks=0), and an error where
// the connection must be closed.
type Reply func(ctx context.Context, dst []byte) ([]byte, error)

// Handler answers requests.
type Handler interface {
	// Accepts reports whether key and version are served, without regard to
	// the body. A first request that is not accepted never gets more than the
	// pre-identification frame limit.
	Accepts(key, version int16) bool
	// Start begins a request. It is called in the order of arrival on the
	// connection's reading goroutine, and does only what must keep that order
	// (appending produced records); what waits, or is costly, belongs in the
	// Reply. An error closes the connection.
	Start(ctx context.Context, req *Request) (Reply, error)
}
