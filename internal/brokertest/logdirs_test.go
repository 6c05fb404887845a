package brokertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// logDirs is a process with log directories beside its data directory, and a load on it.
type logDirs struct {
	t     *testing.T
	ctx   context.Context
	admin *kadm.Client
	dirs  []string
}

// moveAll has all partitions of the load moved to a directory.
func (l *logDirs) moveAll(dir string) {
	l.t.Helper()
	req := kadm.AlterReplicaLogDirsReq{}
	topics := kadm.TopicsSet{}
	topics.Add("crash", 0, 1, 2)
	req.Add(dir, topics)
	answers, err := l.admin.AlterAllReplicaLogDirs(l.ctx, req)
	if err != nil {
		l.t.Fatal(err)
	}
	answers.Each(func(r kadm.AlterReplicaLogDirsResponse) {
		if r.Err != nil {
			l.t.Fatalf("%s-%d to %s: %v", r.Topic, r.Partition, r.Dir, r.Err)
		}
	})
}

// await describes the directories until they are as they should be.
func (l *logDirs) await(what string, done func(current, future map[int32]kadm.DescribedLogDirPartition) bool) {
	l.t.Helper()
	for {
		all, err := l.admin.DescribeAllLogDirs(l.ctx, nil)
		if err != nil {
			l.t.Fatalf("%s: %v", what, err)
		}
		current, future := map[int32]kadm.DescribedLogDirPartition{}, map[int32]kadm.DescribedLogDirPartition{}
		for _, broker := range all {
			broker.EachPartition(func(p kadm.DescribedLogDirPartition) {
				switch {
				case p.Topic != "crash":
				case p.IsFuture:
					future[p.Partition] = p
				default:
					current[p.Partition] = p
				}
			})
		}
		if done(current, future) {
			return
		}
	}
}

func (l *logDirs) awaitAllIn(dir string) {
	l.t.Helper()
	l.await("all in "+dir, func(current, future map[int32]kadm.DescribedLogDirPartition) bool {
		for _, p := range current {
			if p.Dir != dir {
				return false
			}
		}
		return len(current) == crashPartitions && len(future) == 0
	})
}

func (l *logDirs) setRate(rate string) {
	l.t.Helper()
	answers, err := l.admin.AlterBrokerConfigs(l.ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "replica.alter.log.dirs.io.max.bytes.per.second", Value: &rate}}, 1)
	if err == nil {
		for _, a := range answers {
			err = errors.Join(err, a.Err)
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// Goal: partitions move between directories while they are written to, and a kill -9 in
// the midst of a copy loses nothing, nor the move. Method: a load on three partitions, which
// move to and fro; a copy that is slow is killed, and goes on faster after the start.
func TestPartitionsMoveBetweenLogDirectoriesUnderLoad(t *testing.T) {
	server, port, data := Build(t), FreePort(t), t.TempDir()
	dirs := []string{filepath.Join(data, "disk1"), filepath.Join(data, "disk2")}
	args := []string{"--kafka-port", port, "--data-dir", filepath.Join(data, "node"), "--log-dirs", strings.Join(dirs, ","), "--log-format", "text",
		"--override", "num.partitions=3", "--override", "log.segment.bytes=1048576", "--override", "log.segment.delete.delay.ms=0"}
	process := StartProcess(t, server, args...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	load := startCrashLoad(ctx, Client(t, "localhost:"+port, crashLoadOptions()...))
	load.awaitAcks(ctx, t, 20_000)
	l := &logDirs{t, ctx, kadm.NewClient(Client(t, "localhost:"+port)), dirs}
	spread := map[string]int{}
	l.await("three partitions", func(current, _ map[int32]kadm.DescribedLogDirPartition) bool {
		for _, p := range current {
			spread[p.Dir]++
		}
		return len(current) == crashPartitions
	})
	if spread[dirs[0]] == 0 || spread[dirs[1]] == 0 {
		t.Errorf("new partitions are in %v", spread)
	}
	for i := range 4 {
		l.moveAll(dirs[i%2])
		l.awaitAllIn(dirs[i%2])
		load.awaitAcks(ctx, t, 500)
	}

	l.setRate("200000")
	l.moveAll(dirs[0])
	l.await("a copy that has begun", func(current, future map[int32]kadm.DescribedLogDirPartition) bool {
		for number, p := range future {
			if p.Size > 0 && p.OffsetLag > 0 && p.Size < current[number].Size && p.Dir == dirs[0] && current[number].Dir == dirs[1] {
				return true
			}
		}
		return false
	})
	process.Kill()
	process = StartProcess(t, server, args...)
	load.awaitAcks(ctx, t, 500)
	l.setRate("1000000000")
	l.awaitAllIn(dirs[0])
	load.awaitAcks(ctx, t, 500)
	acked := load.finish(ctx, t)
	readBackCrashed(ctx, t, "localhost:"+port, acked)
	if err := process.Interrupt(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	for dir, want := range map[string]int{dirs[0]: crashPartitions, dirs[1]: 0} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, e := range entries {
			if e.IsDir() && strings.HasPrefix(e.Name(), "crash-") && !strings.HasSuffix(e.Name(), "-delete") {
				held++
			}
		}
		if held != want {
			t.Errorf("%s holds %v, want %d partitions", dir, entries, want)
		}
	}
}

func TestAnswersToAlterReplicaLogDirs(t *testing.T) {
	dir := t.TempDir()
	disks := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	b := Start(t, filepath.Join(dir, "node"), "log.dirs="+strings.Join(disks, ","))
	ctx := Context(t)
	client := b.Client()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		topic     string
		partition int32
		dir       string
		want      error
	}{
		{"t", 0, disks[1], nil},
		{"t", 0, disks[0] + "/", nil},
		{"t", 0, filepath.Join(dir, "c"), kerr.LogDirNotFound},
		{"t", 1, disks[0], kerr.UnknownTopicOrPartition},
		{"u", 0, disks[0], kerr.UnknownTopicOrPartition},
	} {
		topic := kmsg.NewAlterReplicaLogDirsRequestDirTopic()
		topic.Topic, topic.Partitions = c.topic, []int32{c.partition}
		to := kmsg.NewAlterReplicaLogDirsRequestDir()
		to.Dir, to.Topics = c.dir, []kmsg.AlterReplicaLogDirsRequestDirTopic{topic}
		req := kmsg.NewPtrAlterReplicaLogDirsRequest()
		req.Dirs = []kmsg.AlterReplicaLogDirsRequestDir{to}
		answer, err := client.Broker(1).Request(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		code := answer.(*kmsg.AlterReplicaLogDirsResponse).Topics[0].Partitions[0].ErrorCode
		if err := kerr.ErrorForCode(code); !errors.Is(err, c.want) {
			t.Errorf("%s-%d to %s: %v, want %v", c.topic, c.partition, c.dir, err, c.want)
		}
	}
	described, err := admin.DescribeAllLogDirs(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(described[1]); got != 2 {
		t.Errorf("%d log directories are described: %v", got, described)
	}
}
