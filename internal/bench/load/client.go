package load

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// uniformBytes is how many a partition gets before the next one's turn, as the
	// library has it by default.
	uniformBytes = 64 << 10
	// batchBytesMax is Kafka's default of what a topic takes, max.message.bytes.
	batchBytesMax = 1_000_012
	// batchOverhead is more than a batch of one record has on top of its value.
	batchOverhead = 1024
)

// codec is kgo's of a name.
func codec(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	default:
		return kgo.CompressionCodec{}, fmt.Errorf("--compression %s: it is one of none, gzip, snappy, lz4 and zstd", name)
	}
}

// partitioner is kgo's of a name. Records with keys go where the keys' hashes say, by any.
func partitioner(name string, batchBytes int) (kgo.Partitioner, error) {
	switch name {
	case "sticky":
		if batchBytes == 0 {
			batchBytes = uniformBytes
		}
		return kgo.UniformBytesPartitioner(batchBytes, true, true, nil), nil
	case "round-robin":
		return kgo.RoundRobinPartitioner(), nil
	default:
		return nil, fmt.Errorf("--partitioner %s: it is sticky or round-robin", name)
	}
}

func (p *Plan) acks() kgo.Acks {
	switch p.Acks {
	case 0:
		return kgo.NoAck()
	case 1:
		return kgo.LeaderAck()
	default:
		return kgo.AllISRAcks()
	}
}

// producer makes the options of a producing client of a checked plan. No more than
// buffered records will be with it at a time, so that its own limit never blocks.
func (p *Plan) producer(topic string, buffered int) ([]kgo.Opt, error) {
	compression, err := codec(p.Compression)
	if err != nil {
		return nil, err
	}
	spread, err := partitioner(p.Partitioner, p.BatchBytes)
	if err != nil {
		return nil, err
	}
	limit := p.BatchBytes
	if limit == 0 {
		limit = batchBytesMax
	}
	opts := []kgo.Opt{
		kgo.DefaultProduceTopic(topic),
		kgo.RequiredAcks(p.acks()),
		kgo.ProducerLinger(p.Linger),
		kgo.ProducerBatchCompression(compression),
		kgo.RecordPartitioner(spread),
		kgo.RecordDeliveryTimeout(p.DeliveryTimeout),
		kgo.MaxBufferedRecords(buffered + 1),
		kgo.ProducerBatchMaxBytes(int32(max(limit, p.Shape.Size+batchOverhead))),
	}
	switch {
	case p.Transactional: // its promises end with the transaction's
	case p.Idempotent:
		// A record that has timed out is not sent again, so that nothing is doubled.
		opts = append(opts, kgo.AllowIdempotentProduceCancellation())
	default:
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(p.InFlight))
	}
	return opts, nil
}

// shortly is how long somebody whose record has failed waits, so that a cluster, or a
// client, that refuses everything at once is not asked a million times a second.
const shortly = 10 * time.Millisecond
