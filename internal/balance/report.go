package balance

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// Report is what a broker tells of itself. Nodes send it to each other as JSON: some twenty
// bytes a replica.
type Report struct {
	// RoomBytes is as in Broker.
	RoomBytes int64                  `json:"room"`
	Topics    map[string]TopicReport `json:"topics"`
}

// TopicReport is what a broker has of a topic.
type TopicReport struct {
	// Out is how many bytes consumers have read here since the broker started, of all
	// partitions that it leads.
	Out int64 `json:"out,omitempty"`
	// Bytes are those of each replica here.
	Bytes map[model.Partition]int64 `json:"bytes"`
}

// Survey is what all brokers have told at a time.
type Survey struct {
	At      time.Time
	Reports map[model.NodeID]*Report
}

// Measure fills a cluster's loads in: sizes and room of the newer survey, and rates of what
// has changed since the older one, which may be nil. What is written is what a leader's log
// has grown by; what retention has deleted meanwhile is not seen. What is read of a topic on
// a broker counts in equal parts for all of its partitions that are led there.
func (c *Cluster) Measure(older, newer *Survey) {
	for i := range c.Brokers {
		b := &c.Brokers[i]
		b.RoomBytes = -1
		if r := newer.Reports[b.ID]; r != nil {
			b.RoomBytes = r.RoomBytes
		}
	}
	type place struct {
		topic  string
		leader model.NodeID
	}
	led := make(map[place]int64)
	for i := range c.Partitions {
		p := &c.Partitions[i]
		led[place{p.Name.Topic, p.Leader}]++
		p.Bytes, p.In, p.Out = newer.bytes(p.Leader, p.Name), 0, 0
		if p.Leader == model.NoNode {
			for _, n := range p.Replicas {
				p.Bytes = max(p.Bytes, newer.bytes(n, p.Name))
			}
		}
	}
	if older == nil || !newer.At.After(older.At) {
		return
	}
	seconds := newer.At.Sub(older.At).Seconds()
	for i := range c.Partitions {
		p := &c.Partitions[i]
		before, now := older.Reports[p.Leader], newer.Reports[p.Leader]
		if before == nil || now == nil {
			continue
		}
		if was, ok := before.Topics[p.Name.Topic].Bytes[p.Name.Partition]; ok {
			p.In = int64(float64(max(0, p.Bytes-was)) / seconds)
		}
		read := now.Topics[p.Name.Topic].Out - before.Topics[p.Name.Topic].Out
		p.Out = int64(float64(max(0, read)/led[place{p.Name.Topic, p.Leader}]) / seconds)
	}
}

func (s *Survey) bytes(broker model.NodeID, name model.TopicPartition) int64 {
	if r := s.Reports[broker]; r != nil {
		return r.Topics[name.Topic].Bytes[name.Partition]
	}
	return 0
}
