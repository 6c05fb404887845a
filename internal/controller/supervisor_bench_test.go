package controller

import (
	"testing"
	"time"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// A broker that leads a third of 10,000 partitions fails: decide, apply, ask, and
// elect by both answers.
func BenchmarkFailoverOf10000Partitions(b *testing.B) {
	c := newCluster(b, 3)
	c.create(topicOf("a", 5000, 3), topicOf("b", 5000, 3))
	now := time.Unix(1000, 0)
	timing := Timing{Session: session, Retry: retry}
	start := c.image
	run := func(s *Supervisor, image *meta.Image, command Command) *meta.Image {
		records, _, err := command.Decide(image, Env{Index: image.Index + 1})
		if err != nil {
			b.Fatal(err)
		}
		next, delta, err := image.Apply(records, image.Index+1)
		if err != nil {
			b.Fatal(err)
		}
		s.Apply(delta, next, now)
		return next
	}
	b.ReportAllocs()
	for b.Loop() {
		s := NewSupervisor(start, now, timing, false)
		image := run(s, start, FenceBroker{Node: 0, Epoch: start.Brokers.ByID(0).Epoch})
		for _, q := range s.Effects().Questions {
			a := Answer{Node: q.Node, BrokerEpoch: q.BrokerEpoch}
			for _, item := range q.Items {
				a.Items = append(a.Items, AnswerItem{Topic: item.Topic, Partition: item.Partition, LeaderEpoch: item.LeaderEpoch, LogEnd: model.Offset(q.Node)})
			}
			s.Answer(now, a)
		}
		elected := s.Effects().Commands
		if len(elected) != 1 || len(elected[0].(ElectLeaders).Elections) < 3000 {
			b.Fatalf("%d commands", len(elected))
		}
		run(s, image, elected[0])
		if _, ok := s.NextTick(); !ok || len(s.elections) > 0 {
			b.Fatal("elections are left")
		}
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	c := newCluster(b, 100)
	c.create(topicOf("a", 10_000, 3))
	now := time.Unix(1000, 0)
	s := NewSupervisor(c.image, now, Timing{Session: session, Retry: retry}, false)
	beat := Heartbeat{Node: 7, BrokerEpoch: c.epoch(7), Applied: c.image.Index}
	b.ReportAllocs()
	for b.Loop() {
		s.Heartbeat(now, now, beat)
		s.NextTick()
		s.Effects()
	}
}
