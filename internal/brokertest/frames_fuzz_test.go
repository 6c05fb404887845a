package brokertest

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzFrames sends arbitrary bytes, seeded with a default request of every API
// and version, to a real broker. Whatever it answers, it closes the connection
// soon after the sender has, logs no ERROR (a panic in a handler is one), and
// serves the next.
func FuzzFrames(f *testing.F) {
	for key := int16(0); key <= kmsg.MaxKey; key++ {
		r := kmsg.RequestForKey(key)
		if r == nil {
			continue
		}
		for version := int16(0); version <= r.MaxVersion(); version++ {
			r := kmsg.RequestForKey(key)
			r.SetVersion(version)
			f.Add(Frame(r, 1))
		}
	}
	errors := &errorLines{}
	b := start(f, f.TempDir(), errors.logger(), "offsets.topic.num.partitions=1")
	f.Fuzz(func(t *testing.T, frames []byte) {
		c, err := net.Dial("tcp", b.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(rawMax)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(frames) // the broker may have closed it already
		_ = c.(*net.TCPConn).CloseWrite()
		if n, err := io.Copy(io.Discard, c); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Fatalf("the broker kept the connection, after %d bytes", n)
			}
		}
		if lines := errors.take(); len(lines) > 0 {
			t.Fatalf("logged: %s", lines)
		}
	})
}
