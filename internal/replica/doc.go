// Package replica decides, for one partition, what its in-sync set has agreed
// on. It is pure: values in, values out; no clock, goroutine, disk or socket.
// It imports only isr and model.
package replica
