package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
)

// snapshot encodes, writes and reads a snapshot of the image, as the quorum does it.
func (s *scene) snapshot(context.Context) error {
	image, path := s.quorum.Image(), filepath.Join(s.dir, "figures.snapshot")
	if err := s.writeSnapshot(image, path); err != nil {
		return err
	}
	before := heap()
	var read *meta.Image
	if err := s.timed("  read and decode", func() (err error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read, err = meta.DecodeSnapshot(data)
		return err
	}); err != nil {
		return err
	}
	taken := heap() - before
	s.line("  memory of the image", "%9.1f MiB, %.0f bytes a partition", taken/mebi, taken/float64(s.o.partitions))
	if read.Topics.Len() != image.Topics.Len() || read.Index != image.Index {
		return errors.New("the image that was read is another")
	}
	return os.Remove(path)
}

func (s *scene) writeSnapshot(image *meta.Image, path string) error {
	var data []byte
	if err := s.timed("snapshot: encode", func() error { data = meta.EncodeSnapshot(image); return nil }); err != nil {
		return err
	}
	s.line("  its size", "%9.1f MiB", float64(len(data))/mebi)
	return s.timed("  write and sync", func() error { return vfs.WriteFileAtomically(vfs.OS(), path, data) })
}

// reopen opens the quorum anew, from its own snapshot and log.
func (s *scene) reopen(ctx context.Context) error {
	if err := s.close(); err != nil {
		return err
	}
	return s.timed("the quorum started again, to the image applied", func() error { return s.open(ctx) })
}

// commands has one large topic made, and a broker fenced.
func (s *scene) commands(ctx context.Context) error {
	if err := s.timed("create a topic of 10000 partitions among them", func() error {
		return s.create(ctx, controller.CreateTopic{Name: "large", Partitions: largest, ReplicationFactor: copies})
	}); err != nil {
		return err
	}
	if err := s.timed("create a topic of one partition", func() error {
		return s.create(ctx, controller.CreateTopic{Name: "small", Partitions: 1, ReplicationFactor: copies})
	}); err != nil {
		return err
	}
	return s.fence(ctx)
}

// fence fences a broker and elects leaders for all that it led, as the active controller
// does where the brokers answer at once.
func (s *scene) fence(ctx context.Context) error {
	const victim = 2
	timing := controller.Timing{Session: time.Hour, Retry: time.Second}
	supervisor := controller.NewSupervisor(s.quorum.Image(), time.Now(), timing, false)
	before := s.quorum.Image()
	led := leads(before, victim)
	if err := s.timed(fmt.Sprintf("fence a broker that leads %d: decide, sync, apply", led), func() error {
		_, err := s.submit(ctx, controller.FenceBroker{Node: victim, Epoch: before.Brokers.ByID(victim).Epoch})
		return err
	}); err != nil {
		return err
	}
	var effects controller.Effects
	if err := s.timed("  the controller finds whom to ask", func() error {
		image := s.quorum.Image()
		supervisor.Apply(meta.Diff(before, image), image, time.Now())
		effects = supervisor.Effects()
		return nil
	}); err != nil {
		return err
	}
	commands := 0
	if err := s.timed(fmt.Sprintf("  %d brokers answer, one after the other; all are elected", len(effects.Questions)), func() error {
		// elect carries out what the supervisor wants, as long as it wants something.
		elect := func() error {
			for {
				wanted := supervisor.Effects().Commands
				if len(wanted) == 0 {
					return nil
				}
				old := s.quorum.Image()
				for _, c := range wanted {
					commands++
					if _, err := s.submit(ctx, c); err != nil {
						return err
					}
				}
				supervisor.Apply(meta.Diff(old, s.quorum.Image()), s.quorum.Image(), time.Now())
			}
		}
		// All answers come while the first command is under way.
		for _, q := range effects.Questions {
			supervisor.Answer(time.Now(), answerTo(q))
		}
		if err := elect(); err != nil {
			return err
		}
		supervisor.Tick(time.Now().Add(timing.Retry)) // where it waits a moment for who has not answered
		return elect()
	}); err != nil {
		return err
	}
	s.line("  commands that took", "%9d", commands)
	if left := leads(s.quorum.Image(), model.NoNode); left > 0 {
		return fmt.Errorf("%d partitions are without a leader", left)
	}
	return nil
}

func leads(image *meta.Image, node model.NodeID) int {
	count := 0
	for t := range image.Topics.All() {
		for i := range t.Partitions {
			if t.Partitions[i].Leader == node {
				count++
			}
		}
	}
	return count
}

// answerTo is what a broker with empty logs answers.
func answerTo(q controller.Question) controller.Answer {
	a := controller.Answer{Node: q.Node, BrokerEpoch: q.BrokerEpoch}
	for _, item := range q.Items {
		a.Items = append(a.Items, controller.AnswerItem{Topic: item.Topic, Partition: item.Partition, LeaderEpoch: item.LeaderEpoch})
	}
	return a
}

// failover has another controller take office, with this image.
func (s *scene) failover(context.Context) error {
	image := s.quorum.Image()
	before := heap()
	var next *controller.Supervisor
	if err := s.timed("another controller takes office", func() error {
		next = controller.NewSupervisor(image, time.Now(), controller.Timing{Session: time.Minute, Retry: time.Minute, Prefer: time.Minute}, false)
		next.Effects()
		return nil
	}); err != nil {
		return err
	}
	s.line("  memory of what it knows beyond the image", "%9.1f MiB", (heap()-before)/mebi)
	next.NextTick()
	return nil
}
