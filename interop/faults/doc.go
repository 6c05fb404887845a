//go:build linux

// Command faults runs clusters of three real processes under load, does to them what a
// seed says, and compares what their clients saw: kill -9, pauses, cuts in the network,
// full disks, failed syncs, losses of power, damaged files, rolling restarts, alone and
// together. It runs chronik, or Apache Kafka to show that it is fair.
//
//	make faults RUNS=10 SEED=1 SECONDS=60 TARGET=chronik FAULTS=kill-one,pause
//
// A run is seed → plan → three nodes → load → faults → heal → the last read → checks,
// and prints a line a fault, and what it came to. Of a run that has broken a promise the
// history, the plan and the nodes' logs are kept. Exit code 1: a promise was broken; 2: it
// could not be found out.
//
// It takes root, for namespaces and FUSE, and installs what it needs.
package main
