// Command failover measures how long clients are held up when a node dies, is
// paused or is restarted: the longest time between two acknowledgements that a
// client sees that produces a record every few milliseconds with acks=all, and how
// long a topic cannot be created. It runs three nodes of chronik or of Apache
// Kafka, strikes them again and again, each time on a topic of its own whose
// leader stands where the kind of fault wants it, and waits after each until all
// copies are in sync again. Then it reads back every topic and compares it with
// what was acknowledged. It prints the distribution beside what we aim at; only a
// record that is lost, doubled or out of order is a failure, or a cluster that does
// not come back.
//
// One goroutine strikes; each client has one that produces and, the Java client,
// one that reads what its process says. A ledger's lock is its only one.
//
// It is a client of the broker and imports nothing of chronik's.
package main
