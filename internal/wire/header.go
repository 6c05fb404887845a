package wire

import (
	"encoding/binary"
	"fmt"
)

// A frame is a size and as many bytes: a header and a body.
//
//	size int32 │ key int16 │ version int16 │ correlation id int32   v0: ends here
//	           │ client id: length int16 (-1: null), bytes          v1: and here
//	           │ tagged fields                                      v2: and here
//	           │ body
//
// Which header a request has follows from its key and version: v2 with the
// first flexible version, else v1; ControlledShutdown 0 alone has v0. The
// client id is never compact, so that a broker can read the header of an
// ApiVersions request of any version, also one that it does not know.
const (
	// FramePrefixSize is the size of the length before each frame.
	FramePrefixSize = 4
	// FrameSizeMin is the size of the shortest header.
	FrameSizeMin = 8
)

// The two keys whose headers are special.
const (
	keyControlledShutdown = 7
	keyAPIVersions        = 18
)

// FrameSizeError is a frame whose length no request can have, or exceeds what
// is allowed. The connection must be closed: where the next frame begins is
// unknown.
type FrameSizeError struct {
	Size int // as claimed; may be negative
	Max  int
}

func (e *FrameSizeError) Error() string {
	switch {
	case e.Size < 0:
		return fmt.Sprintf("frame of negative size %d", e.Size)
	case e.Size < FrameSizeMin:
		return fmt.Sprintf("frame of %d bytes is too short for a request", e.Size)
	default:
		return fmt.Sprintf("frame of %d bytes exceeds the limit of %d", e.Size, e.Max)
	}
}

// FrameSize is the length of the frame that follows prefix, which is at least
// FrameSizeMin and at most sizeMax; else the error is a *FrameSizeError.
func FrameSize(prefix [FramePrefixSize]byte, sizeMax int) (int, error) {
	size := int(int32(binary.BigEndian.Uint32(prefix[:])))
	if size < FrameSizeMin || size > sizeMax {
		return 0, &FrameSizeError{Size: size, Max: sizeMax}
	}
	return size, nil
}

// Header is a request's header.
type Header struct {
	Key           int16
	Version       int16
	CorrelationID int32
	ClientID      []byte // nil where null; lies in the frame
}

// HeaderError is a frame whose header cannot be read. The connection must be
// closed: there is no telling how to answer.
type HeaderError struct {
	Key, Version int16 // 0 where the frame is too short for them
	Reason       string
}

func (e *HeaderError) Error() string {
	return fmt.Sprintf("malformed request header (key %d, version %d): %s", e.Key, e.Version, e.Reason)
}

// ParseHeader splits a frame, without its length, into its header and body.
// The error is a *HeaderError. Whether the version is served is not its
// concern: it reads the header of any version of a key that it knows.
func ParseHeader(frame []byte) (h Header, body []byte, err error) {
	if len(frame) < FrameSizeMin {
		return h, nil, &HeaderError{Reason: reasonHeaderShort}
	}
	h.Key = int16(binary.BigEndian.Uint16(frame))
	h.Version = int16(binary.BigEndian.Uint16(frame[2:]))
	h.CorrelationID = int32(binary.BigEndian.Uint32(frame[4:]))
	flexible, known := isFlexible(h.Key, h.Version)
	if !known {
		return h, nil, &HeaderError{Key: h.Key, Version: h.Version, Reason: "unknown API key"}
	}
	// The header's tagged fields are skipped, none being known; the budget
	// bounds how many.
	w := walker{body: frame, pos: FrameSizeMin, end: len(frame), budget: costAllowance}
	if h.Key == keyControlledShutdown && h.Version == 0 {
		return h, frame[w.pos:], nil
	}
	if !w.clientID(&h) {
		return h, nil, &HeaderError{Key: h.Key, Version: h.Version, Reason: w.reason}
	}
	if flexible && !w.tags(&structSchema{}) {
		return h, nil, &HeaderError{Key: h.Key, Version: h.Version, Reason: w.reason}
	}
	return h, frame[w.pos:], nil
}

const reasonHeaderShort = "the frame ends within the header"

func (w *walker) clientID(h *Header) bool {
	n, ok := w.stringLength()
	if !ok || n < 0 {
		return ok
	}
	start := w.pos
	if !w.skip(n) {
		return false
	}
	h.ClientID = w.body[start:w.pos:w.pos]
	return true
}

// AppendResponseHeader appends the header of the response to a request of key
// and version: the correlation id, and where the version is flexible (header
// v1) no tagged fields. ApiVersions alone keeps header v0 in all its versions,
// since the client does not know yet which ones the broker has (KIP-511).
func AppendResponseHeader(dst []byte, key, version int16, correlationID int32) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(correlationID))
	if flexible, _ := isFlexible(key, version); flexible && key != keyAPIVersions {
		dst = append(dst, 0)
	}
	return dst
}
