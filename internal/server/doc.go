// Package server accepts connections, reads frames within limits, hands them to
// a Handler and writes the replies in order. It knows nothing of what the
// requests mean: it imports model and wire's request header, and never api.
//
// # Goroutines
//
// Run owns one accepting goroutine a listener and two a connection: the reader,
// which reads frames and calls Handler.Start, and the writer, which calls the
// replies in the order of the requests and writes what they return. The writer
// starts with the connection's first request, so that a connection that never
// sends one costs a single small stack. Between them is a queue of at most
// Limits.PipelineMax requests; a full queue stops the reading, and TCP's window
// stops the client. Run returns when all of them have ended.
//
// # Memory
//
// A frame's buffer grows as its bytes arrive, each size reserved from the budget
// first (budget.go); an idle connection holds no buffer. One by TLS does, below this
// package: some 20 KiB, measured with a thousand of them.
//
// # TLS
//
// A listener of protocol SSL shakes hands on the connection's reading goroutine, within
// Limits.HandshakeMax, before the first request (handshake.go). What its certificates
// are, and when they change, is its tls.Config's business.
//
// # Locks
//
// Server.mu (the set of connections) → conn.end (why it ended). budget.mu is a
// leaf. conn.out (the responses not yet written) → conn.end; it alone is held
// across I/O, which it exists to order.
package server
