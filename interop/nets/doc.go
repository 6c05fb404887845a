//go:build linux

// Package nets gives each node of a cluster a network of its own, a namespace with one
// cable to a bridge, and cuts what it is told to cut: packets are dropped silently, and
// counted. The bridge's own address is where clients are.
//
// It runs ip, nft and nsenter, which take root. A Network is used by one goroutine at a
// time.
package nets
