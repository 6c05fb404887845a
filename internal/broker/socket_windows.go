//go:build windows

package broker

import "syscall"

// socket is what the system knows a socket by.
type socket = syscall.Handle
