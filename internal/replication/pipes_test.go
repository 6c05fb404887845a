package replication

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/chronik/chronik/internal/model"
)

// pipe is one stream; its ends are Streams.
type pipe struct {
	c                    *cluster
	link                 link
	toLeader, toFollower chan []byte
	closed               chan struct{}
	close                func()
}

type end struct {
	*pipe
	atFollower bool
}

var errCut = errors.New("there is no connection")

// dial is Options.Dial.
func (n *node) dial(_ context.Context, to model.NodeID) (Stream, error) {
	c, l := n.c, link{n.id, to}
	c.mu.Lock()
	defer c.mu.Unlock()
	leader := c.nodes[to]
	if c.cut[l] || leader == nil {
		return nil, errCut
	}
	p := &pipe{c: c, link: l, toLeader: make(chan []byte, 4), toFollower: make(chan []byte, 4), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	c.pipes[l] = p
	go leader.streams.Serve(context.Background(), n.id, end{p, false})
	return end{p, true}, nil
}

// disconnect ends a node's streams, and lets it have no others.
func (c *cluster) disconnect(id model.NodeID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := model.NodeID(1); other < 10; other++ {
		for _, l := range [...]link{{id, other}, {other, id}} {
			c.cut[l] = true
			if p := c.pipes[l]; p != nil {
				p.close()
			}
		}
	}
}

// connect undoes disconnect.
func (c *cluster) connect(id model.NodeID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := model.NodeID(1); other < 10; other++ {
		delete(c.cut, link{id, other})
		delete(c.cut, link{other, id})
	}
}

// Read implements Stream.
func (e end) Read([]byte) ([]byte, error) {
	in := e.toLeader
	if e.atFollower {
		in = e.toFollower
	}
	select {
	case frame := <-in:
		return frame, nil
	case <-e.closed:
		return nil, io.EOF
	}
}

// Write implements Stream.
func (e end) Write(frame []byte) error {
	out := e.toFollower
	if e.atFollower {
		out = e.toLeader
	}
	frame = slices.Clone(frame)
	e.c.mu.Lock()
	tamper := e.c.tamper
	e.c.mu.Unlock()
	if tamper != nil {
		tamper(e.link, !e.atFollower, frame)
	}
	select {
	case out <- frame:
		return nil
	case <-e.closed:
		return io.ErrClosedPipe
	}
}

// TryWrite implements Stream.
func (e end) TryWrite(frame []byte) bool {
	out := e.toFollower
	if e.atFollower {
		out = e.toLeader
	}
	return len(out) < cap(out) && e.Write(frame) == nil
}

// Close implements Stream.
func (e end) Close() { e.close() }
