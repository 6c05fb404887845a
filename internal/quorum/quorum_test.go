package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/vfs"
	"github.com/chronik/chronik/internal/wire"
)

func TestOneVoterDecidesAndRestarts(t *testing.T) {
	fs := vfs.NewMem()
	n := mustStart(t, nodeOptions{id: 1, fs: fs})
	n.register()
	n.mustCreate("a", "b", "c")
	if _, err := n.submit(controller.DeleteTopics{Topics: []controller.DeleteTopic{{Name: "b"}}}); err != nil {
		t.Fatal(err)
	}
	if err := n.create("a"); !isCode(err, kerr.TopicAlreadyExists) {
		t.Fatalf("create twice: %v", err)
	}
	before := meta.EncodeSnapshot(n.Image())
	index, cluster, term := n.Image().Index, n.Image().ClusterID, n.Status().Term
	if cluster == "" || n.Image().Version != meta.Newest {
		t.Fatalf("cluster %q, version %d", cluster, n.Image().Version)
	}
	n.check()
	n.end()

	n = mustStart(t, nodeOptions{id: 1, fs: fs})
	if _, err := n.submit(controller.InitCluster{ID: "other"}); err != nil { // waits until it leads
		t.Fatal(err)
	}
	n.mu.Lock()
	first := n.published[0]
	n.mu.Unlock()
	if first.Index < index || first.Topics.Len() != 2 {
		t.Fatalf("after the restart the first image is of %d with %d topics", first.Index, first.Topics.Len())
	}
	again := *n.Image()
	again.Index = index
	if string(meta.EncodeSnapshot(&again)) != string(before) {
		t.Fatal("the image is another after the restart")
	}
	if s := n.Status(); s.Term <= term || s.Leader != 1 || s.Commit != n.Image().Index || s.Voters[0].LogEnd != model.Offset(s.Commit+1) {
		t.Fatalf("status %+v, term was %d", s, term)
	}
	n.check()
}

func isCode(err error, code *kerr.Error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == wire.CodeOf(code)
}

func TestClusterIDIsTheGivenOne(t *testing.T) {
	n := mustStart(t, nodeOptions{id: 0, fs: vfs.NewMem()})
	n.o.ClusterID = "never read after the cluster is initialised"
	result, err := n.submit(controller.InitCluster{ID: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if got := result.(controller.InitializedCluster).ID; got == "other" || got != n.Image().ClusterID {
		t.Fatalf("cluster id is %q, image has %q", got, n.Image().ClusterID)
	}
}

func TestCommandsTogetherMakeOneEntry(t *testing.T) {
	n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem()})
	n.register()
	before := n.Image().Index
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := n.create(fmt.Sprintf("t%d", i/2)); err != nil && !isCode(err, kerr.TopicAlreadyExists) {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n.Image().Topics.Len() != 100 {
		t.Fatalf("%d topics", n.Image().Topics.Len())
	}
	t.Logf("%d entries", n.Image().Index-before)
	n.check()
}

func TestSubmitEndsWithItsContextAndWithTheQuorum(t *testing.T) {
	// Of three voters only this one is there: nobody ever leads.
	synctest.Test(t, func(t *testing.T) {
		n := mustStart(t, nodeOptions{id: 1, voters: []model.NodeID{1, 2, 3}, fs: vfs.NewMem()})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Submit(ctx, controller.InitCluster{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("without a leader: %v", err)
		}
		failed := make(chan error)
		go func() {
			_, err := n.submit(controller.InitCluster{})
			failed <- err
		}()
		synctest.Wait()
		n.end()
		if err := <-failed; !errors.Is(err, ErrStopped) {
			t.Fatalf("stopped: %v", err)
		}
		if _, err := n.submit(controller.InitCluster{}); !errors.Is(err, ErrStopped) {
			t.Fatalf("after the stop: %v", err)
		}
	})
}

func TestOneVoterSleepsWhenIdle(t *testing.T) {
	// In a bubble without timers of the quorum's, time cannot pass but for ours;
	// what would wake up is counted by the ticks that raft got.
	synctest.Test(t, func(t *testing.T) {
		n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem()})
		n.register()
		synctest.Wait()
		if n.clock.timer != nil {
			t.Fatal("a clock runs")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n.clock.timer != nil {
			t.Fatal("a clock runs")
		}
		n.end()
	})
}

// bulk makes records of a given size.
type bulk struct{ bytes int }

func (bulk) Name() string { return "Bulk" }
func (b bulk) Decide(*meta.Image, controller.Env) ([]meta.Record, any, error) {
	return []meta.Record{&meta.ConfigRecord{Resource: meta.Resource{Type: meta.GroupResource, Name: "g"}, Name: "n",
		Value: strings.Repeat("x", b.bytes)}}, nil, nil
}

func TestLargeCommandsAreRefusedOrSplit(t *testing.T) {
	n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem()})
	if _, err := n.submit(bulk{entryBytesMax}); !isCode(err, kerr.PolicyViolation) {
		t.Fatalf("too large: %v", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := n.submit(bulk{entryBytesMax * 2 / 3}); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
}

// wrong decides on records that do not fit.
type wrong struct{}

func (wrong) Name() string { return "Wrong" }
func (wrong) Decide(*meta.Image, controller.Env) ([]meta.Record, any, error) {
	return []meta.Record{&meta.RemoveTopicRecord{}}, nil, nil
}

func TestWrongDecisionsDoNoHarm(t *testing.T) {
	n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem()})
	if _, err := n.submit(wrong{}); err == nil {
		t.Fatal("no error")
	}
	n.register()
	n.mustCreate("a")
}

func TestSnapshotsBoundTheLog(t *testing.T) {
	fs := vfs.NewMem()
	limits := SnapshotLimits{Bytes: 1 << 20, Entries: 10, Keep: 3}
	n := mustStart(t, nodeOptions{id: 1, fs: fs, limits: &limits})
	n.register()
	for i := range 100 {
		n.mustCreate(fmt.Sprintf("t%d", i))
	}
	image := n.Image()
	n.end()
	names, err := listSnapshots(fs, logDir(dataDir))
	if err != nil || len(names) > 2 {
		t.Fatalf("snapshots %v, %v", names, err)
	}
	newest, _ := snapshotIndex(names[len(names)-1])
	if newest <= bootstrapIndex {
		t.Fatalf("newest snapshot is %d of %d", newest, image.Index)
	}
	n = mustStart(t, nodeOptions{id: 1, fs: fs, limits: &limits})
	n.mustCreate("another")
	if n.Image().Topics.Len() != 101 {
		t.Fatalf("%d topics", n.Image().Topics.Len())
	}
	if n.Status().Voters[0].LogEnd == 0 || n.store.base < newest {
		t.Fatalf("log begins behind %d, snapshot was at %d", n.store.base, newest)
	}
}

// lines collects log lines.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) has(words ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return true
		}
	}
	return false
}

func TestOperatorsCanFollowTheLog(t *testing.T) {
	var out lines
	n := mustStart(t, nodeOptions{id: 1, fs: vfs.NewMem(), logger: slog.New(slog.NewTextHandler(&out, nil))})
	n.register()
	n.mustCreate("a")
	for _, want := range [][]string{
		{"INFO", "Raft cluster initialized", "voters=[1]"},
		{"INFO", "Raft state", "state=Leader", "term=2"},
		{"INFO", "Applying command", "type=RegisterBroker"},
		{"INFO", "Applying command", "type=CreateTopics"},
	} {
		if !out.has(want...) {
			t.Errorf("no line with %v in %q", want, out.all)
		}
	}
	if out.has("WARN") || out.has("ERROR") {
		t.Errorf("a warning in %q", out.all)
	}
}
