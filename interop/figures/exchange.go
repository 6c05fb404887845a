package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// exchangeMax bounds one request and its response.
const exchangeMax = 30 * time.Second

// ask sends a request and reads its response. A client library would connect,
// ask for versions and wait between tries in its own time, which is not the
// broker's.
func ask[R kmsg.Response](conn net.Conn, req kmsg.Request) (R, error) {
	var none R
	if err := conn.SetDeadline(time.Now().Add(exchangeMax)); err != nil {
		return none, err
	}
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("figures")).AppendRequest(nil, req, 1)
	if _, err := conn.Write(frame); err != nil {
		return none, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return none, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, body); err != nil {
		return none, err
	}
	resp := req.ResponseKind()
	body = body[4:] // the correlation id
	if resp.IsFlexible() && resp.Key() != kmsg.ApiVersions.Int16() {
		body = body[1:] // no tags in the header
	}
	if err := resp.ReadFrom(body); err != nil {
		return none, err
	}
	typed, ok := resp.(R)
	if !ok {
		return none, fmt.Errorf("%T answers %T", resp, req)
	}
	return typed, nil
}

// createTopic has the broker make the topic, as a client's first question does.
func createTopic(conn net.Conn) error {
	_, err := locate(conn)
	return err
}

// locate is createTopic that finds where the topic's partition is led: host and port.
func locate(conn net.Conn) (leader string, err error) {
	r := kmsg.NewPtrMetadataRequest()
	r.Version, r.AllowAutoTopicCreation = 9, true
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	r.Topics = append(r.Topics, t)
	resp, err := ask[*kmsg.MetadataResponse](conn, r)
	if err != nil {
		return "", err
	}
	found := resp.Topics[0]
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return "", err
	}
	if err := kerr.ErrorForCode(found.Partitions[0].ErrorCode); err != nil {
		return "", err
	}
	for _, b := range resp.Brokers {
		if b.NodeID == found.Partitions[0].Leader {
			return net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))), nil
		}
	}
	return "", kerr.LeaderNotAvailable
}

// produce sends records in one batch and waits until all in sync have them.
func produce(conn net.Conn, batch []byte) error {
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = 9, -1, int32(exchangeMax.Milliseconds())
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	t.Topic, p.Records = topic, batch
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	resp, err := ask[*kmsg.ProduceResponse](conn, r)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

// batchOf makes a batch of n records with values of so many bytes.
func batchOf(n, valueBytes int) []byte {
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
