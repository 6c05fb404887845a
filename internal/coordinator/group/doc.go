// Package group coordinates consumer groups by Kafka's classic protocol, and
// keeps their offsets in __consumer_offsets in Kafka's own record formats.
//
// Groups is the pure state machine of one partition of that topic: an event and
// the time go in; records, answers and deadlines come out. Coordinator is the
// shell around it: requests in, responses out, one coordinator.Runtime. Neither
// starts a goroutine or holds a lock but the runtime's (see package
// coordinator).
//
// What is durable of a group is its last generation that was synced, or that it
// is empty, and its offsets. That it is rebalancing, who has joined so far, and
// when sessions end is soft state: a new coordinator starts from the last
// generation, and members that do not fit are told to join again.
//
// It must not know of connections, or of how metadata is agreed upon.
package group
