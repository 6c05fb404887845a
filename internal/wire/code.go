// Package wire is Kafka's framing: request and response headers, error codes,
// and the check that bounds what decoding a request may cost. Message bodies
// are franz-go's kmsg. It owns no state, starts no goroutine, has no locks, and
// imports no other package of ours but model.
//
// No body reaches kmsg but through Decode, which walks it first against a
// generated table of layouts (schema_gen.go, from package schemagen).
package wire

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Code is a Kafka error code as it stands on the wire; 0 is success.
type Code int16

// Name is Kafka's name of the code, such as UNKNOWN_TOPIC_OR_PARTITION.
func (c Code) Name() string {
	if c == 0 {
		return "NONE"
	}
	if e, ok := errors.AsType[*kerr.Error](kerr.ErrorForCode(int16(c))); ok {
		return e.Message
	}
	return fmt.Sprintf("UNKNOWN_CODE_%d", int16(c))
}

// Error is an error that has a Kafka code: what a request, or one item of it,
// is answered with. Message is for a person, and says what to do.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Name()
	}
	return e.Code.Name() + ": " + e.Message
}

// Errorf makes an Error of one of kerr's codes.
func Errorf(code *kerr.Error, format string, args ...any) *Error {
	return &Error{Code: Code(code.Code), Message: fmt.Sprintf(format, args...)}
}

// CodeOf is the code of a kerr error.
func CodeOf(e *kerr.Error) Code { return Code(e.Code) }
