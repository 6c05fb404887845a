//go:build unix

package peer

import (
	"net"
	"syscall"
)

// descriptor is a connection's, which never blocks; nil where it is no plain one.
func descriptor(conn net.Conn) syscall.RawConn {
	plain, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeAtOnce writes what the system takes without waiting, and returns how much that was;
// -1: there was an error.
func writeAtOnce(fd uintptr, b []byte) int {
	n, err := syscall.Write(int(fd), b)
	if err != nil {
		return -1
	}
	return n
}
