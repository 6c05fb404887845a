package wire

// What decoding costs, in bytes of Go's heap. Each function returns an upper
// bound of what one allocation of kmsg's takes, which the tests compare with
// what the runtime has counted.

const (
	// costAllowance is what decoding any request may cost, however small it
	// is. It is there for the small request with many short strings, in which
	// headers and rounding outweigh the bytes: 1 MiB holds a group's
	// subscription to 20,000 topics, and 10,000 connections that all decode
	// such a request at once are bounded by the server's limit of requests in
	// memory, not here.
	costAllowance = 1 << 20

	// costPerByte is what decoding may cost for each byte received beyond the
	// allowance. The densest request of a real client, a Fetch v4 of many
	// partitions, needs 4.5 (72 bytes for 16), most need 1 to 3. What kmsg
	// alone would allow is 80.
	costPerByte = 4

	// unknownTagsMax bounds the tagged fields of a request that we do not
	// know. Kafka 4.4 takes 10,000 as well; a request of today's clients has
	// none.
	unknownTagsMax = 10_000

	stringHeaderSize = 16 // on 64 bits; a pointed-to string's own allocation

	// tagMapSize and tagEntrySize bound kmsg's map of unknown tags: its
	// header and first group of eight slots, then what an entry takes when
	// the map has just doubled, with the halves it has outgrown.
	tagMapSize   = 352
	tagEntrySize = 256
)

// costLimit is the most that decoding a body of size bytes may cost.
func costLimit(size int) int { return costAllowance + costPerByte*size }

// allocated is the most that the allocator takes for an object of size bytes,
// its header and the rounding to a size class included.
func allocated(size int) int {
	const (
		tiny     = 16
		page     = 8 << 10
		largeMin = 32<<10 - 8 // from here on an object is whole pages
	)
	switch {
	case size == 0:
		return 0
	case size <= tiny:
		return tiny
	case size < 1<<10:
		return size + size/8 + 24
	case size < largeMin:
		return size + size/5 + 16
	default:
		return (size + page - 1) / page * page
	}
}

// tagsCost is what kmsg's map of n unknown tags takes.
func tagsCost(n int) int {
	if n == 0 {
		return 0
	}
	return tagMapSize + n*tagEntrySize
}
