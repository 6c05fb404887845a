// Package exchange asks brokers one thing at a time over connections of its own, where
// what is measured is the broker's time and not a client library's: one that connects,
// asks for versions and waits between tries when it sees fit. A Route belongs to one
// goroutine.
package exchange
