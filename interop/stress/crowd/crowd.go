package crowd

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// answerMax bounds one request and its response, and a connection's establishment.
const answerMax = 30 * time.Second

// Crowd is connections that are open.
type Crowd struct {
	conns []net.Conn
}

// Close closes them.
func (c *Crowd) Close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

// Join adds a connection to a node, which has asked one question as a client's does: what
// has not is taken for a stranger's.
func (c *Crowd) Join(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{Timeout: answerMax}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	c.conns = append(c.conns, conn)
	return ask(conn)
}

// Ask asks on every connection, and says how many answer.
func (c *Crowd) Ask(ctx context.Context) (answered int, err error) {
	for _, conn := range c.conns {
		if ctx.Err() != nil {
			return answered, ctx.Err()
		}
		if failure := ask(conn); failure != nil {
			err = failure
			continue
		}
		answered++
	}
	return answered, err
}

// ask asks which versions are spoken.
func ask(conn net.Conn) error {
	if err := send(conn, kmsg.NewPtrApiVersionsRequest()); err != nil {
		return err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:])))
	return err
}

func send(conn net.Conn, r kmsg.Request) error {
	if err := conn.SetDeadline(time.Now().Add(answerMax)); err != nil {
		return err
	}
	_, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("stress")).AppendRequest(nil, r, 1))
	return err
}

const (
	// askedAtOnce is how many requests a reader that stalls has sent.
	askedAtOnce = 8
	// takenBytes is what it reads of the first answer.
	takenBytes = 4 << 10
	// wantedBytes is what it asks for in each, as much as a client's default.
	wantedBytes = 50 << 20
)

// Stall adds a reader to the node that leads a partition. It asks for the partition's
// beginning several times, and reads nothing before Take.
func (c *Crowd) Stall(ctx context.Context, leader, topic string, partition int32) error {
	if err := c.Join(ctx, leader); err != nil {
		return err
	}
	conn := c.conns[len(c.conns)-1]
	r := kmsg.NewPtrFetchRequest()
	r.Version = 11 // the last but one by topics' names, as any node takes it
	r.MinBytes, r.MaxBytes, r.SessionEpoch = 1, wantedBytes, -1
	t, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	t.Topic, p.Partition, p.PartitionMaxBytes, p.CurrentLeaderEpoch = topic, partition, wantedBytes, -1
	t.Partitions = append(t.Partitions, p)
	r.Topics = append(r.Topics, t)
	for range askedAtOnce {
		if err := send(conn, r); err != nil {
			return err
		}
	}
	return nil
}

// Take has each reader read a few bytes, and says for how many there were some soon.
func (c *Crowd) Take() (served int, err error) {
	all := time.Now().Add(takeMax)
	for _, conn := range c.conns {
		until := time.Now().Add(soon)
		if until.Before(all) {
			until = all
		}
		if err := conn.SetReadDeadline(until); err != nil {
			return served, err
		}
		if _, err := io.CopyN(io.Discard, conn, takenBytes); err == nil {
			served++
		}
	}
	return served, nil
}

// Gone is how many connections the other side has ended. It takes what has arrived on
// each, and so ends a stall.
func (c *Crowd) Gone() (int, error) {
	gone := 0
	for _, conn := range c.conns {
		if err := conn.SetReadDeadline(time.Now().Add(soon)); err != nil {
			return gone, err
		}
		if _, err := io.Copy(io.Discard, conn); !errors.Is(err, os.ErrDeadlineExceeded) {
			gone++
		}
	}
	return gone, nil
}

const (
	// takeMax is how long it may take all readers together to get something.
	takeMax = 5 * time.Second
	// soon is for how long what has come is looked for.
	soon = 20 * time.Millisecond
)
