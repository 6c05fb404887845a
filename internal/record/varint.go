package record

// Varints are Kafka's: zigzag, seven bits a byte, least significant first. Ones
// longer than they need be are taken, as Kafka takes them; ones that do not fit
// their type are not.
const (
	varint32BytesMax = 5
	varint64BytesMax = 10
)

// uvarint reads up to bytesMax bytes. n is how many it took: 0 where b ends
// first, -1 where the number does not fit.
func uvarint(b []byte, bytesMax int) (v uint64, n int) {
	for i, c := range b {
		if i == bytesMax {
			return 0, -1
		}
		if c < 0x80 {
			// The last byte of the longest form holds what is left of the type:
			// 4 of 32 bits, 1 of 64.
			if i == varint64BytesMax-1 && c > 1 || bytesMax == varint32BytesMax && i == varint32BytesMax-1 && c > 0x0f {
				return 0, -1
			}
			return v | uint64(c)<<(7*i), i + 1
		}
		v |= uint64(c&0x7f) << (7 * i)
	}
	if len(b) >= bytesMax {
		return 0, -1
	}
	return 0, 0
}

func varint32(b []byte) (int32, int) {
	u, n := uvarint(b, varint32BytesMax)
	return int32(uint32(u)>>1) ^ -int32(u&1), n
}

func varint64(b []byte) (int64, int) {
	u, n := uvarint(b, varint64BytesMax)
	return int64(u>>1) ^ -int64(u&1), n
}

func appendVarint(b []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	for u >= 0x80 {
		b = append(b, byte(u)|0x80)
		u >>= 7
	}
	return append(b, byte(u))
}

func varintSize(v int64) int {
	u := uint64(v<<1) ^ uint64(v>>63)
	n := 1
	for u >= 0x80 {
		u >>= 7
		n++
	}
	return n
}
