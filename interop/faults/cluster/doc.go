//go:build linux

// Package cluster runs three nodes of chronik or of Apache Kafka as processes, each on a
// disk of its own and in a network of its own, and ends, stops and starts them.
//
// A Cluster and its nodes may be used by many goroutines: faults overlap. A goroutine a
// process waits for its end. Locks: Node.mu; the disk of a node and the network have
// one each, which nothing else is taken under.
package cluster
