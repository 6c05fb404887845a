package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

const (
	copies = 3
	// largest is how many partitions one command may create.
	largest = 10_000
	mebi    = 1 << 20
)

// scene is the metadata of a cluster.
type scene struct {
	o      options
	out    io.Writer
	dir    string
	quorum *quorum.Quorum
	end    func() error // ends the quorum
}

// open opens the quorum, and returns when it has what the directory has.
func (s *scene) open(ctx context.Context) error {
	logger := slog.New(slog.DiscardHandler)
	disk := storage.NewDisk(storage.DiskOptions{FS: vfs.OS(), Dir: s.dir, Logger: logger, CheckpointInterval: time.Minute})
	q, err := quorum.New(quorum.Options{
		Node: 1, FS: vfs.OS(), Dir: s.dir, Disk: disk, Logger: logger,
		Env: func() controller.Env { return controller.Env{Partitions: 1, ReplicationFactor: copies} },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running errgroup.Group
	running.Go(func() error { return disk.Run(ctx) })
	running.Go(func() error { return q.Run(ctx) })
	s.quorum = q
	s.end = func() error {
		cancel()
		return errors.Join(running.Wait(), q.Close())
	}
	_, err = q.Await(ctx, func(i *meta.Image) bool { return i.ClusterID != "" })
	return err
}

func (s *scene) close() error {
	if s.end == nil {
		return nil
	}
	end := s.end
	s.end = nil
	return end()
}

func (s *scene) submit(ctx context.Context, command controller.Command) (any, error) {
	return s.quorum.Submit(ctx, command)
}

// fill registers the brokers and creates the partitions.
func (s *scene) fill(ctx context.Context) error {
	for id := range s.o.brokers {
		if err := s.register(ctx, model.NodeID(id+1)); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("create %d partitions × %d, a command for each %d", s.o.partitions, copies, largest)
	return s.timed(what, func() error { return s.createAll(ctx) })
}

func (s *scene) register(ctx context.Context, id model.NodeID) error {
	result, err := s.submit(ctx, controller.RegisterBroker{
		Node: id, Incarnation: model.NewUUID(), Directory: model.NewUUID(), Fenced: true, Supports: meta.Supported,
		Endpoints: []meta.Endpoint{{Listener: "PLAINTEXT", Host: "localhost", Port: 9092, Protocol: "PLAINTEXT"}},
	})
	if err != nil {
		return err
	}
	_, err = s.submit(ctx, controller.UnfenceBroker{Node: id, Epoch: result.(controller.RegisteredBroker).Epoch})
	return err
}

func (s *scene) createAll(ctx context.Context) error {
	for made := 0; made < s.o.partitions; {
		var topics []controller.CreateTopic
		for room := min(largest, s.o.partitions-made); room > 0; {
			count := min(s.o.perTopic, room)
			topics = append(topics, controller.CreateTopic{Name: fmt.Sprint("topic-", made), Partitions: int32(count), ReplicationFactor: copies})
			made, room = made+count, room-count
		}
		if err := s.create(ctx, topics...); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) create(ctx context.Context, topics ...controller.CreateTopic) error {
	result, err := s.submit(ctx, controller.CreateTopics{Topics: topics})
	if err != nil {
		return err
	}
	for _, t := range result.(controller.CreateTopicsResult).Topics {
		if t.Err != nil {
			return fmt.Errorf("topic %s: %w", t.Name, t.Err)
		}
	}
	return nil
}
