//go:build !windows

package broker

// socket is what the system knows a socket by.
type socket = int
