// Package peer connects the nodes of a cluster: one-way messages, requests with
// their answers, and streams of bulk data, over TCP or mutual TLS. What they mean
// is their senders' business: a Kind tells them apart. Raft is the one user that
// is here itself (raft.go).
//
// # Connections
//
// A node dials another for what it sends. Its link carries messages and requests;
// the answers come back on it. A stream is a connection of its own, and full
// duplex. So two nodes have up to two links, and as many streams as they open.
// Both begin with a handshake (handshake.go) and are frames after it (frame.go).
//
// Each side of a connection writes a heartbeat where it has had nothing else to
// write, and gives the connection up when it has heard nothing for silenceMax, or
// has not got rid of anything for writeStallMax.
//
// # Goroutines
//
// Run owns them all: one that accepts; one a link that was ever used, which dials
// and writes, and one more that reads while it is connected; for each accepted link
// a reader, a writer, and one a request; one a stream, for its heartbeats. Run
// returns when they have ended.
//
// # Locks
//
// Network.mu (who is connected), link.mu (what waits, and who waits for an answer),
// inbound.mu (what is being answered) and Stream.writing are leaves: none is held
// while another is taken. Stream.writing alone is held across I/O, which it exists
// to order. Handlers are called without any.
package peer
