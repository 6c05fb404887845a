// Package comparison measures systems against each other, as chronik-bench compare does:
// Apache Kafka and chronik, three nodes each, on one machine, with one client.
//
// A machine is not the same machine all day. So systems take turns, A B A B, and each turn
// is all that there is to measure, on new nodes with empty directories, while nothing of
// the other system runs:
//
//	Start ─▶ first acknowledged record ─▶ idle ─▶ each Shape in turn ─▶ leaders lost ─▶ Close
//	  start                               memory    figures of its load   gaps
//
// What is measured is a table (Shapes, and the lines of the cluster itself): each line
// says which figure of a load or of the nodes it is, what is better, and which goals there
// are. A turn adds one value to each line, and report.Comparison has them all; what medians,
// ranges and ratios are is package report's business.
//
// Three things are left to others, behind interfaces: System and Cluster start processes
// and look at them (internal/bench/nodes), and Load loads them. The package itself knows no
// broker and no protocol, and can be tested without either.
//
// What the nodes use is looked at ten times a second while they are loaded, by a goroutine
// that is waited for. Only what falls into the measured time counts: neither the warm-up,
// nor reading back what was acknowledged.
package comparison
