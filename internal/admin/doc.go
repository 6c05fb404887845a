// Package admin is the HTTP server of the admin listener: metrics, health and
// readiness, what the node knows of partitions and of the metadata quorum, and Go's
// profiles. It shows, and changes nothing; docs/metrics.md says what is where.
//
// There is no password, which is why its listener is on loopback unless somebody
// says otherwise. Limits bound what a stranger there can hold: connections, headers,
// and the time that a request and its answer may take.
//
// Run owns a goroutine a listener and one a connection, and returns when they have
// ended. What a page shows is made when it is asked for, out of snapshots; nothing
// is kept, and idle it does nothing. There is one lock, which counts who asks for
// profiles that cost something.
package admin
