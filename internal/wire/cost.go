package wire

// What decoding costs, in bytes of Go's heap. Each function returns an upper
// bound of what one allocation of kmsg's takes, which the tests compare with
// what the runtime has counted.

const (
	// costAllowance is what decoding any request may cost, however short it
	// is. Real requests of short names need more than four times their size:
	// Fetch v4 4.5 (72 bytes for 16), DescribeConfigs v4 of 11-letter topics
	// 4.8, CreatePartitions with one replica for each partition 8 (measured).
	// The allowance covers 130,000, 87,000 and 43,000 of those in one request.
	// What all requests together may cost is the server's to bound.
	costAllowance = 1 << 20

	// costPerByte is what decoding may cost for each byte received beyond the
	// allowance. Most requests need 1 to 4; what kmsg alone allows is 80.
	costPerByte = 4

	// unknownTagsMax bounds the tagged fields of a request that we do not
	// know. Kafka 4.4 takes 10,000 as well; a request of today's clients has
	// none.
	unknownTagsMax = 10_000

	stringHeaderSize = 16 // on 64 bits; a pointed-to string's own allocation

	// tagMapSize and tagEntrySize bound kmsg's map of unknown tags: its
	// header and first group of eight slots (336 measured), then what an entry
	// takes when the map has just doubled, with the halves it has outgrown
	// (179 measured, and tables may split unevenly).
	tagMapSize   = 352
	tagEntrySize = 256
)

// costLimit is the most that decoding a body of size bytes may cost.
func costLimit(size int) int { return costAllowance + costPerByte*size }

// allocated is the most that the allocator takes for an object of size bytes,
// its header and the rounding to a size class included.
func allocated(size int) int {
	const (
		step     = 16 // between the small size classes
		page     = 8 << 10
		largeMin = 32<<10 - 8 // from here on an object is whole pages
	)
	switch {
	case size <= 256:
		return (size + step - 1) / step * step
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
