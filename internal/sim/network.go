package sim

import "time"

// network carries messages between nodes, and between clients and nodes. Datagrams
// (Raft's messages, requests to the controller and their answers) are lost, doubled
// and overtaken one by one. Streams (replication) stay in order until they
// break; what was under way then may still arrive, after the next stream has begun.
type network struct {
	w     *world
	c     *cluster
	delay struct{ min, max time.Duration }
	// Probabilities of a message.
	loss, double, breaks, stale float64
	copies                      float64 // of a proposal that arrives once more, seconds later
	// blocked[from][to]: nothing gets through that way.
	blocked [][]bool
	// late is the probability of a datagram that takes up to seconds; lag is what
	// the quorum's messages to a node take longer.
	late    float64
	lag     []time.Duration
	streams [][]stream // by follower and leader

	lost, broken int // what happened, for the report
}

// stream is the connection of a follower to a leader, both ways.
type stream struct {
	number  uint64
	open    bool
	opening bool
	// arrival is when the newest message of each direction arrives; later ones do
	// not overtake it.
	arrival [2]time.Duration
}

func newNetwork(c *cluster, nodes int) *network {
	n := &network{w: c.w, c: c, lag: make([]time.Duration, nodes), blocked: make([][]bool, nodes), streams: make([][]stream, nodes)}
	for i := range nodes {
		n.blocked[i] = make([]bool, nodes)
		n.streams[i] = make([]stream, nodes)
	}
	return n
}

func (n *network) latency() time.Duration { return n.w.skewed(n.delay.min, n.delay.max) }

// raftMessage is a datagram of the quorum, which may reach a node later than all
// other kinds.
func (n *network) raftMessage(from, to int, do func(*process)) {
	n.send(from, to, n.lag[to], do)
}

// datagram brings a message to whatever process runs at a node when it arrives.
func (n *network) datagram(from, to int, do func(*process)) { n.send(from, to, 0, do) }

func (n *network) send(from, to int, lag time.Duration, do func(*process)) {
	copies := 1
	switch {
	case n.blocked[from][to], n.w.chance(n.loss):
		n.lost++
		return
	case n.w.chance(n.double):
		copies = 2
	}
	for range copies {
		latency := n.latency() + lag
		if n.w.chance(n.late) {
			latency += n.w.between(0, 3*time.Second)
		}
		n.w.after(latency, func() { n.c.nodes[to].deliver(do) })
	}
}

// onStream sends along the stream of a follower to a leader, in one direction.
func (n *network) onStream(follower, leader int, toLeader bool, do func(*process)) {
	s := &n.streams[follower][leader]
	from, to, way := leader, follower, 0
	if toLeader {
		from, to, way = follower, leader, 1
	}
	if !s.open {
		if toLeader {
			n.reopen(follower, leader)
		}
		return
	}
	if n.blocked[from][to] || n.w.chance(n.loss) || n.w.chance(n.breaks) {
		n.breakStream(follower, leader)
		if n.w.chance(n.stale) && !n.blocked[from][to] {
			n.w.after(n.w.between(0, 2*time.Second), func() { n.c.nodes[to].deliver(do) })
		}
		return
	}
	at := max(n.w.now+n.latency(), s.arrival[way])
	s.arrival[way] = at
	number := s.number
	n.w.after(at-n.w.now, func() {
		// What was under way when the stream broke arrives now and then.
		if s.number == number && s.open || n.w.chance(n.stale) {
			n.c.nodes[to].deliver(do)
		}
	})
}

// breakStream ends a stream. The follower notices after a while, and opens another.
func (n *network) breakStream(follower, leader int) {
	s := &n.streams[follower][leader]
	if !s.open {
		return
	}
	s.open = false
	n.broken++
	n.reopen(follower, leader)
}

// breakAll ends the streams of a node: its process has died.
func (n *network) breakAll(node int) {
	for other := range n.streams {
		n.breakStream(node, other)
		n.breakStream(other, node)
	}
}

// reopen tries until the follower's process has a stream again.
func (n *network) reopen(follower, leader int) {
	s := &n.streams[follower][leader]
	if s.opening {
		return
	}
	s.opening = true
	n.w.after(n.w.skewed(2*time.Millisecond, 400*time.Millisecond), func() {
		s.opening = false
		f, l := n.c.nodes[follower], n.c.nodes[leader]
		if f.process == nil {
			return // the next run opens its own
		}
		if l.process == nil || l.paused || f.paused || n.blocked[follower][leader] || n.blocked[leader][follower] {
			n.reopen(follower, leader)
			return
		}
		s.number++
		s.open = true
		s.arrival = [2]time.Duration{n.w.now, n.w.now}
		f.deliver(func(p *process) { p.streamOpened(leader) })
	})
}
