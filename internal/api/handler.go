package api

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// Handler answers the requests of the table. It implements server.Handler; all
// methods may be called concurrently.
type Handler struct {
	Services
	byKey    [keyEnd]*entry
	sessions *fetchSessions
	memory   *responseMemory
	requests [keyEnd]*requestCounts
	topics   topicTable
	produced producedPool
	timeouts timeoutPool
	// producerIDs are those left of the last block that the controller gave.
	producerIDs *producerIDs
}

// New returns a handler of the services. It starts nothing.
func New(s Services) *Handler {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Suspected == nil {
		s.Suspected, s.CheckPresence = func(model.NodeID) bool { return false }, func(model.NodeID) {}
	}
	if s.OutOfTouch == nil {
		s.OutOfTouch = func() bool { return false }
	}
	if s.CatchUp == nil {
		s.CatchUp = func(context.Context) *meta.Image { return s.Image() }
	}
	if s.Stopping == nil {
		s.Stopping = context.Background()
	}
	h := &Handler{
		Services: s,
		sessions: newFetchSessions(s.FetchSessionsMax),
		memory:   newResponseMemory(s.ResponseBytesMax),
	}
	h.producerIDs = newProducerIDs(h.allocateProducerIDs)
	h.topics.image = s.Image
	table := apiTable()
	h.requests = newRequestCounts(table)
	for i := range table {
		h.byKey[table[i].key] = &table[i]
	}
	return h
}

func (h *Handler) entry(key int16) *entry {
	if key < 0 || key >= keyEnd {
		return nil
	}
	return h.byKey[key]
}

// Accepts implements server.Handler. Any version of ApiVersions is answered, so
// that a newer client learns what this broker speaks.
func (h *Handler) Accepts(key, version int16) bool {
	e := h.entry(key)
	return e != nil && (version >= e.min && version <= e.max || key == apiVersionsKey)
}

// Start implements server.Handler.
func (h *Handler) Start(ctx context.Context, req *server.Request) (server.Reply, error) {
	e := h.entry(req.Key)
	if e == nil {
		return nil, fmt.Errorf("api key %d is not served", req.Key)
	}
	if req.Version < e.min || req.Version > e.max {
		if req.Key == apiVersionsKey {
			return h.unsupportedAPIVersions(req), nil
		}
		return nil, fmt.Errorf("%s version %d is not served (%d to %d are)", e.name, req.Version, e.min, e.max)
	}
	kreq, err := wire.Decode(req.Key, req.Version, req.Body)
	if err != nil {
		return nil, err
	}
	h.requests[req.Key].begun(req.Version)
	return e.start(h, ctx, req, kreq)
}

// startFunc begins a request; see server.Handler.Start.
type startFunc func(*Handler, context.Context, *server.Request, kmsg.Request) (server.Reply, error)

// whole makes a startFunc of a handler that runs whole in the reply: in the
// order of the requests, and after the replies before it are written.
func whole[R kmsg.Request](f func(*Handler, context.Context, *server.Request, R) (kmsg.Response, error)) startFunc {
	return func(h *Handler, _ context.Context, req *server.Request, kreq kmsg.Request) (server.Reply, error) {
		typed, ok := kreq.(R)
		if !ok {
			return nil, fmt.Errorf("decoded %T for api key %d", kreq, req.Key)
		}
		return func(ctx context.Context, dst []byte) ([]byte, error) {
			resp, err := f(h, ctx, req, typed)
			if err != nil || resp == nil {
				return nil, err
			}
			dst = appendResponse(dst, req, resp)
			h.answered(req)
			return dst, nil
		}, nil
	}
}

// appendResponse appends header and body.
func appendResponse(dst []byte, req *server.Request, resp kmsg.Response) []byte {
	resp.SetVersion(req.Version)
	dst = wire.AppendResponseHeader(dst, req.Key, req.Version, req.CorrelationID)
	return resp.AppendTo(dst)
}
