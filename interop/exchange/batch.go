package exchange

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Batch makes a batch of n records with values of so many bytes.
func Batch(n, valueBytes int) []byte {
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(n - 1), FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(n),
	}
	for i := range n {
		record := []byte{0, 0} // attributes, timestamp delta
		record = kbin.AppendVarint(record, int32(i))
		record = kbin.AppendVarint(record, -1) // no key
		record = kbin.AppendVarintBytes(record, make([]byte, valueBytes))
		record = append(record, 0) // no headers
		b.Records = append(kbin.AppendVarint(b.Records, int32(len(record))), record...)
	}
	const lengthAt, crcAt, crcFrom = 12, 17, 21
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[lengthAt-4:], uint32(len(raw)-lengthAt))
	binary.BigEndian.PutUint32(raw[crcAt:], crc32.Checksum(raw[crcFrom:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
