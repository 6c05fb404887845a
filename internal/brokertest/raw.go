package brokertest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// rawMax bounds one exchange on a raw connection; only a failing test waits for
// so long.
const rawMax = 20 * time.Second

// Raw is a connection on which a test says what no client would.
type Raw struct {
	net.Conn
	t testing.TB
}

// Raw connects to the broker; closed with the test.
func (b *Broker) Raw(t testing.TB) *Raw {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(rawMax)); err != nil {
		t.Fatal(err)
	}
	return &Raw{Conn: c, t: t}
}

// Frame is a request with its length in front.
func Frame(r kmsg.Request, correlationID int32) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("raw")).AppendRequest(nil, r, correlationID)
}

// Send writes bytes. That the broker has closed the connection already is no
// error: the test sees it when it reads.
func (r *Raw) Send(b []byte) {
	r.t.Helper()
	_, _ = r.Write(b)
}

// Receive reads one response's frame, without its length.
func (r *Raw) Receive() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, frame)
	return frame, err
}

// Closed fails the test unless the broker closes the connection without a word.
func (r *Raw) Closed() {
	r.t.Helper()
	frame, err := r.Receive()
	var timeout net.Error
	switch {
	case err == nil:
		r.t.Errorf("the broker answered with %d bytes; it should have closed the connection", len(frame))
	case errors.As(err, &timeout) && timeout.Timeout():
		r.t.Error("the broker neither answered nor closed the connection")
	}
}

// Ask sends a request and decodes its response.
func (r *Raw) Ask(req kmsg.Request) kmsg.Response {
	r.t.Helper()
	r.Send(Frame(req, 7))
	resp, err := r.Answer(req)
	if err != nil {
		r.t.Fatalf("%T: %v", req, err)
	}
	return resp
}

// Answer reads the response to a request that has been sent.
func (r *Raw) Answer(req kmsg.Request) (kmsg.Response, error) {
	frame, err := r.Receive()
	if err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	body := frame[4:]
	if resp.IsFlexible() && req.Key() != 18 {
		body = body[1:] // no tags in the header
	}
	return resp, resp.ReadFrom(body)
}
