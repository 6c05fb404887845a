// Package server accepts connections, reads frames within limits, hands them to
// a Handler and writes the replies in order. It knows nothing of what the
// requests mean.
package server
