// Package nodes is the systems that are compared: three nodes of chronik's or of Apache
// Kafka's on this machine, each a process with its defaults, by package interop/cluster.
//
// What it asks of them itself, to see how long a start or the loss of a leader holds clients
// up, goes through one connection without a client library. It starts no goroutine; those
// of interop/cluster wait for the processes.
//
// Kafka's jars come from Maven Central, and with them what interop/kafka needs of a checkout:
// comparing is for whom develops chronik.
package nodes
