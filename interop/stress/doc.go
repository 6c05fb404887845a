// Command stress puts three nodes, chronik's or Apache Kafka's, under what a cluster
// seldom has to bear: many partitions, producers or connections, readers that are cold
// or do not read, large records, more than memory holds, TLS. Each scenario has a cluster
// of its own and ends with figures.
//
// What is promised decides on the exit code: that what was acknowledged is read back,
// that nodes live, and that none of them logs an error. Figures have goals, which are
// printed and decide nothing: machines differ.
//
// The load is of internal/bench/load, which starts and ends its own goroutines; a step
// has one beside it that says for how long it goes on.
package main
