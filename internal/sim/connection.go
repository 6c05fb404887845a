package sim

import (
	"time"
)

// connection is a producer's to a broker. Requests arrive in order: where one is
// lost, nothing follows.
type connection struct {
	broken    bool
	abandoned bool // the client has another; what is under way may still arrive
	// arrival is when the newest request and the newest answer arrive.
	arrival [2]time.Duration
}

// carry brings a request (way 0) or an answer (way 1) along a connection.
func (n *network) carry(conn *connection, way int, arrive func()) {
	if n.w.chance(n.loss) {
		n.lost++
		conn.broken = true // the client's timeout finds it
	}
	at := max(n.w.now+n.latency(), conn.arrival[way])
	conn.arrival[way] = at
	n.w.after(at-n.w.now, func() {
		if conn.abandoned && n.w.chance(0.5) {
			conn.broken = true
		}
		if !conn.broken {
			arrive()
		}
	})
}
