package wire

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Decode checks a request's body, as CheckBody does, and decodes it.
//
// What it returns does not refer to body, with one exception: the records of a
// Produce request do, as copying them is what it must not cost. So body may be
// reused once the records have been appended, and everything else may be kept:
// strings are copied, since group ids and topic names end as keys of maps, and
// fields of type bytes, such as a member's metadata, lie in a copy of the
// body. Unknown tags are nobody's to keep.
func Decode(key, version int16, body []byte) (kmsg.Request, error) {
	if _, err := CheckBody(key, version, body); err != nil {
		return nil, err
	}
	r := kmsg.RequestForKey(key)
	r.SetVersion(version)
	if requests[key].bytes {
		body = slices.Clone(body)
	}
	if err := r.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("decode request (key %d, version %d): %w", key, version, err)
	}
	return r, nil
}
