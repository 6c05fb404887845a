// Package crowd is connections that do not behave as a client library's do: many that
// do nothing, and readers that ask for everything and do not take it. A Crowd belongs to
// one goroutine, and starts none.
package crowd
