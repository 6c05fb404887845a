package coordinator

import (
	"math"
	"unicode/utf16"

	"github.com/chronik/chronik/internal/model"
)

// PartitionFor is the partition of the internal topic that holds key: Kafka's
// abs(key.hashCode()) % count, with Java's hash of the UTF-16 code units. Other
// tools and, in a mixed history, Kafka itself look a key up there.
func PartitionFor(key string, count int) model.Partition {
	var hash int32
	for _, r := range key {
		if hi, lo := utf16.EncodeRune(r); hi != '\uFFFD' {
			hash = 31*(31*hash+hi) + lo
			continue
		}
		hash = 31*hash + r
	}
	if hash == math.MinInt32 { // has no positive counterpart; Kafka takes 0
		hash = 0
	}
	return model.Partition(int(max(hash, -hash)) % count)
}
