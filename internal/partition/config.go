package partition

import (
	"strconv"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/record"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/storage"
)

// topicValues resolves a topic's settings: its own, then this broker's, then
// those of all brokers, then the start's.
func (s *Set) topicValues(image *meta.Image, topic *meta.Topic) (settings.TopicValues, error) {
	layers := settings.Layers{
		Topic:         image.Configs.Of(meta.Resource{Type: meta.TopicResource, Name: topic.Name}),
		Broker:        image.Configs.Of(meta.Resource{Type: meta.BrokerResource, Name: strconv.Itoa(int(s.node))}),
		BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
		Static:        s.options.Static,
	}
	if len(topic.Partitions) > 0 {
		layers.ReplicationFactor = len(topic.Partitions[0].Target())
	}
	return layers.TopicValues()
}

// logConfig is what a topic's settings say about its logs.
func logConfig(v settings.TopicValues) storage.Config {
	return storage.Config{
		SegmentBytes: v.SegmentBytes, SegmentAge: v.SegmentAge, SegmentJitter: v.SegmentJitter,
		IndexBytes: v.IndexBytes, IndexIntervalBytes: v.IndexIntervalBytes, Preallocate: v.Preallocate,
		Delete: v.Delete, Compact: v.Compact,
		RetentionBytes: v.RetentionBytes, RetentionAge: v.RetentionAge, FileDeleteDelay: v.FileDeleteDelay,
		MaxMessageBytes: v.MaxMessageBytes, MaxDecompressedBytes: v.MaxDecompressedBytes,
		FlushMessages: v.FlushMessages, FlushInterval: v.FlushInterval,
		MinCompactionLag: v.MinCompactionLag, MaxCompactionLag: v.MaxCompactionLag,
		DeleteRetention: v.DeleteRetention, MinCleanableDirtyRatio: v.MinCleanableDirtyRatio,
		LogAppendTime: v.LogAppendTime, TimestampBeforeMax: v.TimestampBeforeMax, TimestampAfterMax: v.TimestampAfterMax,
		ProducerIDExpiration: v.ProducerIDExpiration,
		Compression:          compression(v),
	}
}

// compression is the codec that the broker stores batches with; with "producer"
// it stores them as they come.
func compression(v settings.TopicValues) storage.Compression {
	for _, codec := range [...]record.Codec{record.CodecGzip, record.CodecSnappy, record.CodecLZ4, record.CodecZstd} {
		if codec.String() == v.CompressionType {
			return storage.Compression{Recompress: true, Codec: codec, Level: v.CompressionLevel}
		}
	}
	return storage.Compression{Recompress: v.CompressionType == "uncompressed", Codec: record.CodecNone}
}
