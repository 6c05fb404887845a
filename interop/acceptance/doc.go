// Command acceptance goes through what three nodes have to do for their users, step
// by step, with Apache Kafka's own command-line tools: they agree on metadata
// whichever is asked, they acknowledge acks=-1 when a quorum of the in-sync replicas
// has the record, they survive the death of a leader while records are produced, and
// say in their logs what an operator must be able to read there. The nodes are
// processes, started as one starts them by hand. Each check prints a line; one that
// fails prints what it saw, and makes the command fail.
//
// One goroutine checks; a producer in the background has one that reads what its
// process says.
//
// It is a client of the broker and imports nothing of chronik's.
package main
