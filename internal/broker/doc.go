// Package broker is the composition root: it builds every component of a node
// and owns the order in which they start and stop.
//
//	lock the data directory → bind listeners → disk → quorum → register
//	→ partitions, coordinators, upkeep → serve clients
//
// and back: stop accepting and drain → other nodes → quorum → coordinators, upkeep
// → close partitions, metadata log → disk → clean-stop marker → unlock. Bound
// early, a port in use stops the start before anything is touched; clients that
// connect meanwhile wait in the system's queue.
//
// Nothing imports it but the command and the tests that run real brokers.
package broker
