//go:build linux

// Package load is the clients of a run: idempotent producers of franz-go and of the
// Java client, readers of leaders and of followers, a consumer group with a member of
// each, and somebody who looks at what the group has committed. All of it goes into a history. What comes last reads
// everything, from the leaders and from each replica.
//
// Each client is a goroutine that owns it, and ends with its context. Nothing is
// judged here.
package load
