// Package plan turns a seed into what is done to a cluster of three nodes, and when.
// It is pure. A victim may be named by its role, so that what a seed does depends on who
// has that role then; everything else is in the seed.
//
// Plans keep to what replication promises to survive (docs/replication.md): files rot on
// one node of the three at most, and always on the same one.
package plan
