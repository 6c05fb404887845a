//go:build !linux

package server

import (
	"net"
	"os"
	"syscall"
)

// fileSocket: elsewhere than on Linux no response has files in it.
func fileSocket(net.Conn) syscall.RawConn { return nil }

func sendFile(syscall.RawConn, *os.File, int64, int) (int64, error) {
	panic("BUG: a file to send where none can be")
}

func sendMore(syscall.RawConn, [][]byte) (int64, error) {
	panic("BUG: a file to send where none can be")
}
