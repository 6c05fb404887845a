package partition

import "context"

// Lease is a node's permission to serve (replica.Lease). Its methods may be called
// concurrently.
type Lease interface {
	// Serving reports whether the node may answer now.
	Serving() bool
	// Accepting reports whether it may take records from producers: also for a short
	// time after the permission has lapsed, in which it may be renewed. They are
	// acknowledged when it is.
	Accepting() bool
	// Await returns true once the node may answer, and false where that is not to be
	// expected, or ctx ends.
	Await(ctx context.Context) bool
}

// always is the lease of a node that is alone.
type always struct{}

func (always) Serving() bool              { return true }
func (always) Accepting() bool            { return true }
func (always) Await(context.Context) bool { return true }

// Lapsed tells that the node has lost its permission for good, as far as can be told:
// another may lead by now. Producers that wait for a quorum are told to look there.
func (s *Set) Lapsed() {
	for p := range s.All() {
		p.mu.Lock()
		p.mu.committed.fail(ErrNotLeader)
		p.mu.durable.fail(ErrNotLeader)
		p.mu.Unlock()
	}
}
