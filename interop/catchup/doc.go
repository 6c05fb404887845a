// Command catchup measures what a node costs the others that comes back after it has
// missed a lot: how fast it catches up, and how long a client waits for its records
// meanwhile; and what a node costs that stands still. Every record is read back and
// counted.
package main
