// Package archtest holds the rules of the tree that a compiler does not: which
// package may import which, how long files and functions get, what needs a
// comment, what is never written. They are ordinary tests of the whole module.
//
// Each rule is a function from a Tree to the problems in it, and is tested on a
// small tree of its own. It owns no goroutine and no lock, and imports nothing of
// the project.
package archtest
