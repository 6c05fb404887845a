//go:build !unix

package peer

import (
	"net"
	"syscall"
)

// descriptor is nil: a socket of Windows takes a write without waiting only by another call,
// and one that waits must not be tried. What is small is written by who writes the rest.
func descriptor(net.Conn) syscall.RawConn { return nil }

// writeAtOnce is not called where there is no descriptor.
func writeAtOnce(uintptr, []byte) int { return 0 }
