//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/interop/faults/history"
)

// replicaFetchBytes is of one answer.
const replicaFetchBytes = 4 << 20

// ReadReplica reads everything from one node, leader or not, which a consumer that names
// its rack may (KIP-392). Each node must hold what the last reader has read, up to the
// ends that it was told; what it holds goes into the history as one more reader's.
func ReadReplica(ctx context.Context, o Options, node int, ends Ends) error {
	client, err := o.client()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, finalMax)
	defer cancel()
	name := fmt.Sprint("replica-", node)
	for partition, end := range ends {
		for offset := int64(0); offset < end; {
			began := history.Now()
			records, err := fetchFrom(ctx, client.Broker(node), o.Topic, partition, offset)
			switch {
			case ctx.Err() != nil, err != nil && !kerr.IsRetriable(err):
				return fmt.Errorf("node %d: read %s-%d at %d of %d: %w", node, o.Topic, partition, offset, end, errors.Join(ctx.Err(), err))
			case len(records) == 0: // its high watermark is to come yet, or its lease
				pause(ctx, 100*time.Millisecond)
			default:
				o.History.Add(history.Op{Began: began, Ended: history.Now(), Client: name, Kind: history.Read, Partition: partition, Records: records})
				offset = records[len(records)-1].Offset + 1
			}
		}
	}
	return nil
}

func fetchFrom(ctx context.Context, broker *kgo.Broker, topic string, partition int32, offset int64) ([]history.Record, error) {
	r := kmsg.NewPtrFetchRequest()
	r.MaxWaitMillis, r.MinBytes, r.MaxBytes, r.Rack, r.SessionEpoch = 0, 1, replicaFetchBytes, "any", -1
	t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	t.Topic, p.Partition, p.FetchOffset, p.PartitionMaxBytes = topic, partition, offset, replicaFetchBytes
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	answer, err := broker.RetriableRequest(ctx, versioned{r})
	if err != nil {
		return nil, err
	}
	fetched, ok := answer.(*kmsg.FetchResponse)
	if !ok {
		return nil, fmt.Errorf("%T answers a fetch", answer)
	}
	if err := kerr.ErrorForCode(fetched.ErrorCode); err != nil {
		return nil, err
	}
	if len(fetched.Topics) != 1 || len(fetched.Topics[0].Partitions) != 1 {
		return nil, errors.New("one partition was asked for, and not one answered")
	}
	got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: topic, Partition: partition, Offset: offset},
		&fetched.Topics[0].Partitions[0], kgo.DefaultDecompressor(), nil)
	var records []history.Record
	for _, record := range got.Records {
		records = append(records, history.Record{Offset: record.Offset, Value: parse(record.Value)})
	}
	return records, got.Err
}

// versioned is a request of the last version that has topics' names.
type versioned struct{ *kmsg.FetchRequest }

// MaxVersion implements kmsg.Request.
func (versioned) MaxVersion() int16 { return 12 }
