package load

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kind is a short name for what has happened to a record. Errors of the same cause have
// the same, so that they can be counted.
func kind(err error) string {
	if k, ok := errors.AsType[*kerr.Error](err); ok {
		return k.Message
	}
	// Not net.Error, which a context's deadline is as well; and first, since a connection
	// that was not made in time says that it is such a deadline.
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "connection"
	}
	switch {
	case errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, context.DeadlineExceeded):
		return "not acknowledged within --delivery-timeout"
	case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, context.Canceled):
		return "stopped before it was acknowledged"
	default:
		return err.Error()
	}
}
