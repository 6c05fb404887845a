// Package meter says what the nodes of a cluster have used over some time: processor
// time, the most memory of one of them, and how often they have synced. A Meter belongs
// to one goroutine, and starts none.
package meter
