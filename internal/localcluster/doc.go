// Package localcluster runs all nodes of a cluster on this machine, each as a
// process of its own, so that one can be killed and the others be watched.
//
// A Plan says which nodes there are, and Run keeps them: it checks that their ports
// are free, starts them, copies what they say with the node's name before each line,
// tells when they serve, says what became of one that ended, and stops them all when
// its context ends. A node that dies stays dead; the others go on.
//
// Run has one goroutine for each node, which waits for its process, and one that
// starts them all and lives as long as they do: Linux kills them with the thread that
// started them, so that they do not outlive this process, however it ends. os/exec
// adds one that copies the output of each. The screen's lock keeps lines whole and is
// held across the write; a node's lock guards its last lines; neither is taken under
// the other.
package localcluster
