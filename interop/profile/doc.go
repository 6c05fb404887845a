// Command profile says where three nodes spend their time: it loads a cluster in one of a
// few shapes, and takes from each node, under load, Go's profiles, what it counts itself,
// and its system calls. It prints what a batch, a record and a gigabyte cost each node, and
// the functions that cost most on all nodes together; the profiles are kept.
//
// A run has four phases, so that none disturbs what another measures: counters; profiles of
// the processor and of what is allocated; who waits for whom; and system calls, which strace
// makes slower by far, so that their numbers are of that phase's own batches.
//
// How fast the cluster is it does not say: chronik-bench does.
package main
