package main

import (
	"context"
	"fmt"

	"github.com/chronik/chronik/interop/cluster"
)

// create makes the topics, one after the other as kadm asks for them, and waits until
// all partitions are led and whole.
func (s *scene) create(ctx context.Context) error {
	what := fmt.Sprintf("create %d topics of %d partitions × %d: answered", s.o.topics, s.o.partitions, copies)
	whole := "  until all are led, and all copies in sync"
	return s.timed(whole, "20 s", func() error {
		if err := s.timed(what, "", func() error { return s.createAll(ctx) }); err != nil {
			return err
		}
		return s.awaitWhole(ctx, 1, 2, 3)
	})
}

func (s *scene) createAll(ctx context.Context) error {
	for _, name := range s.topicNames() {
		answer, err := s.admin.CreateTopics(ctx, int32(s.o.partitions), copies, nil, name)
		if err != nil {
			return err
		}
		if err := answer[name].Err; err != nil {
			return fmt.Errorf("create topic %s: %w %s", name, err, answer[name].ErrMessage)
		}
	}
	return nil
}

// remove deletes the topics and waits until their logs are gone.
func (s *scene) remove(ctx context.Context) error {
	return s.timed("  no file of them is left (file.delete.delay.ms: 60 s)", "", func() error {
		if err := s.timed("delete all topics: answered", "", func() error {
			answers, err := s.admin.DeleteTopics(ctx, s.topicNames()...)
			if err != nil {
				return err
			}
			return answers.Error()
		}); err != nil {
			return err
		}
		return await(ctx, func(context.Context) error { return s.logsLeft() })
	})
}

// awaitWhole waits until nodes say that all partitions are led and all copies in sync.
func (s *scene) awaitWhole(ctx context.Context, nodes ...int) error {
	for _, node := range nodes {
		for _, topic := range s.topicNames() {
			err := await(ctx, func(ctx context.Context) error {
				partitions, err := s.view.Topic(ctx, node, topic)
				if err != nil {
					return err
				}
				return whole(partitions, s.o.partitions)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func whole(partitions []cluster.Partition, count int) error {
	if len(partitions) != count {
		return fmt.Errorf("%d partitions of %d", len(partitions), count)
	}
	for i, p := range partitions {
		if p.Leader < 1 || len(p.ISR) != copies {
			return fmt.Errorf("partition %d is not whole: %+v", i, p)
		}
	}
	return nil
}
