//go:build linux

package load

import (
	"bytes"
	"fmt"
	"strings"
)

// value names a record: who sent it, where to, and as the how manyth. There is no other.
func value(client string, partition int32, sequence int64) string {
	return fmt.Sprintf("%s.%d.%d", client, partition, sequence)
}

// filler comes behind the value, so that records have lengths, and segments fill.
const filler = "."

// payload is a value as it is sent: with a blank and up to 400 bytes.
func payload(value string, sequence int64) []byte {
	return []byte(value + " " + strings.Repeat(filler, int(sequence*37%400)))
}

// parse takes the value out of what was read. What is no payload is a value as it stands,
// that nobody has sent.
func parse(payload []byte) string {
	name, rest, found := bytes.Cut(payload, []byte(" "))
	if !found || len(bytes.Trim(rest, filler)) > 0 {
		return string(payload)
	}
	return string(name)
}
