// Package remote balances a cluster from outside, by Kafka's protocol: chronik-server
// balance. It asks for metadata and log directories, has package balance plan, says what
// it is going to do and why, and does it: AlterPartitionReassignments, a few moves at a time,
// ElectLeaders, and Kafka's settings for throttled replication meanwhile.
//
// What is under way is metadata of the cluster's: whoever ends the command ends no move, and
// another run goes on from there. Run starts no goroutine that outlives it.
package remote
