// Package sim runs whole clusters in one event loop with virtual time: 1 to 7
// nodes with the state machines of production (replica, controller, quorum), on
// simulated disks and a simulated network, under faults, with clients and with
// checkers that look at everything. A seed decides all of it: the same seed and the
// same build give the same trace, and the same hash of it.
//
// It starts no goroutine. Raft's election jitter reads crypto/rand.Reader, which a
// run replaces; so one run at a time in a process, which Run sees to.
package sim
