// Command many measures three nodes with very many partitions: how long it is until
// 10,000 of them, three copies each, are there, what they take while nobody uses them,
// how long they are without leaders when a node is killed, when it is whole again, and
// what a stop in order costs. One cluster goes through all of it, in the order of the
// lines that are printed: each with the time that it took, the processor time of the
// nodes meanwhile, and the figure to beat. It judges nothing but that every
// acknowledged record is read back.
//
// It is a client of the brokers and imports nothing of chronik's.
package main
