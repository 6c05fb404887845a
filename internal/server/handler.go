package server

import (
	"context"
	"net"
	"os"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Request is one request as it came off a connection: its header parsed, its
// body not yet. Body is valid until the Reply has returned; the Request itself
// may be kept.
type Request struct {
	Key           int16
	Version       int16
	CorrelationID int32
	ClientID      string // "" where the client sent null
	Body          []byte
	Conn          *ConnInfo
	Received      time.Time // when its last byte had been read
	// OnWritten may be set by the Reply. It is called once, when the client has
	// taken the response or the connection has ended, and gives up what the
	// response's memory was counted under: a response that nobody reads is as
	// large as one that is being made. It must not block.
	OnWritten func()
	// GiveWay may be set by the Reply. It is called after every 256 KiB that the connection
	// has sent of such responses, before it sends more, and may wait for a moment: others
	// would notice the sending.
	GiveWay func()

	// inserts are the Reply's, in the order of their places.
	inserts    []insert
	buffers    *buffers // nil in a Request that a test made
	sendsFiles bool
}

// Insert has the bytes stand in the response where result, which the Reply has so far,
// ends: they are sent from where they are, and belong to the server until OnWritten.
// A Reply that returns an error may have called it.
func (r *Request) Insert(result, bytes []byte) {
	if len(bytes) > 0 {
		r.inserts = append(r.inserts, insert{at: len(result), bytes: bytes, n: len(bytes)})
	}
}

// SendsFiles reports whether the response may have InsertFile: the connection is a plain
// one, and the system can.
func (r *Request) SendsFiles() bool { return r.sendsFiles }

// InsertFile is Insert, of n bytes of a file from off on. Without SendsFiles it is a bug.
func (r *Request) InsertFile(result []byte, f *os.File, off, n int64) {
	if !r.sendsFiles {
		panic("BUG: a file inserted where none can be sent")
	}
	if n > 0 {
		r.inserts = append(r.inserts, insert{at: len(result), file: f, off: off, n: int(n)})
	}
}

// WithInserts returns a Reply's result with what was inserted, in memory of its own: what
// the client sees.
func (r *Request) WithInserts(result []byte) []byte {
	var whole []byte
	from := 0
	for _, i := range r.inserts {
		whole, from = append(whole, result[from:i.at]...), i.at
		inserted := i.bytes
		if i.file != nil {
			inserted = make([]byte, i.n)
			if _, err := i.file.ReadAt(inserted, i.off); err != nil {
				panic(err)
			}
		}
		whole = append(whole, inserted...)
	}
	return append(whole, result[from:]...)
}

// Grow returns dst with room for n more bytes. A Reply that knows that its
// response is large should call it before appending, for the buffers it takes
// are used again; append's would be garbage.
func (r *Request) Grow(dst []byte, n int) []byte { return r.buffers.grow(dst, n) }

// Buffer returns an empty buffer with room for n bytes at least, for what a Reply needs
// until it has its response together. Release takes it back.
func (r *Request) Buffer(n int) []byte {
	if r.buffers == nil {
		return make([]byte, 0, n)
	}
	return r.buffers.get(n)[:0]
}

// Release takes back a buffer that nobody refers to any more.
func (r *Request) Release(buf []byte) {
	if r.buffers != nil {
		r.buffers.put(buf)
	}
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
//
// Each Reply is called exactly once, so that it can give up what Start took;
// where the connection has ended before, with a ctx that is done.
//
// Asking for ctx.Done() says that the Reply is about to wait: responses before
// it, which the writer holds back to write several at once, are then written. A
// Reply that looks first whether it must wait at all lets them go together.
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
