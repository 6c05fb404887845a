// Package ports finds ports for servers under test.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// Ports that are given out are below those from which the system takes its own: a client
// that dials a dead node must not be given that node's port as its own, which would keep
// the node from coming back. So are the ports above them that chronik's nodes serve their
// pages at, and none of those is given out itself.
const (
	first, last = 12_000, 22_000
	pagesAbove  = 10_000
)

// given counts from somewhere else in each process.
var given = rand.Uint32N(last - first)

// Free is a port that nobody listens on at this moment, nor on that of its pages, and that
// this process has not been given before. It may be called concurrently.
func Free() (int, error) {
	for range last - first {
		port := first + int(atomic.AddUint32(&given, 1)%(last-first))
		if unused(port) && unused(port+pagesAbove) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free", first, last)
}

func unused(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprint(":", port))
	return err == nil && l.Close() == nil
}
