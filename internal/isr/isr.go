// Package isr is the arithmetic of in-sync sets: how many of a set's members
// commit a record, and how many have to answer an election. It imports nothing.
package isr

// Majority is the least number of members of an in-sync set of n that no other
// majority of it can miss: ⌊n/2⌋+1.
func Majority(n int) int { return n/2 + 1 }

// CommitQuorum is how many members of an in-sync set of n, the leader among
// them, must hold a record durably before it is committed. Kafka asks for all n;
// setting minInsync to the replication factor gives that rule back.
func CommitQuorum(n, minInsync int) int { return max(Majority(n), minInsync) }

// ElectionAnswers is how many members of an in-sync set of n have to answer
// before one of them is elected: so many that every majority is among them. It is
// counted from the majority, not from the commit quorum: min.insync.replicas may
// change at any moment without making an election unsafe.
func ElectionAnswers(n int) int { return n - Majority(n) + 1 }
