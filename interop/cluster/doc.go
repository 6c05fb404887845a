// Package cluster runs three nodes on this machine as processes, chronik's or
// Apache Kafka's, kills, pauses and stops them, and asks each what it believes of
// the cluster. A Cluster and its nodes belong to one goroutine; beside it there is
// one a process, which waits for its end. A View may be asked by many.
package cluster
