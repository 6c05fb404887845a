package exchange

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Max bounds one request and its response.
const Max = 30 * time.Second

// Ask sends a request and reads its response. A client library would connect,
// ask for versions and wait between tries in its own time, which is not the
// broker's.
func Ask[R kmsg.Response](conn net.Conn, req kmsg.Request) (R, error) {
	var none R
	if err := conn.SetDeadline(time.Now().Add(Max)); err != nil {
		return none, err
	}
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("exchange")).AppendRequest(nil, req, 1)
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

// Locate finds where the first partition of a topic is led: host and port. As a client's
// first question does, it has the broker make the topic.
func Locate(conn net.Conn, topic string) (leader string, err error) {
	r := kmsg.NewPtrMetadataRequest()
	r.Version, r.AllowAutoTopicCreation = 9, true
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	r.Topics = append(r.Topics, t)
	resp, err := Ask[*kmsg.MetadataResponse](conn, r)
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

// Produce sends records in one batch to the first partition of a topic, and waits until
// all in sync have them.
func Produce(conn net.Conn, topic string, batch []byte) error {
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = 9, -1, int32(Max.Milliseconds())
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	t.Topic, p.Records = topic, batch
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	resp, err := Ask[*kmsg.ProduceResponse](conn, r)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}
