// Command figures measures what chronik promises of one node: how long it is
// from the start of the process to the first acknowledged record, what the
// process takes when nobody uses it, what a connection costs, and how many
// offsets can be committed. Each is taken several times, from a new process on
// an empty directory, and printed with its least, median and greatest value,
// how long it took, and the machine's load. It judges nothing.
//
// It is a client of the broker and imports nothing of chronik's.
package main
