// Command figures measures what chronik promises of one node and of a cluster of
// three: how long it is from the start of the process to the first acknowledged
// record, what the processes take when nobody uses them, what a connection costs, how
// many offsets can be committed, and how long nothing is acknowledged when a
// partition's leader is killed (interop/failover does that in all ways, with clients
// that people use). Each is taken several times, from new processes on empty
// directories, and printed with its least, median and greatest value, how long it took,
// and the machine's load. It judges nothing.
//
// It is a client of the brokers and imports nothing of chronik's.
package main
