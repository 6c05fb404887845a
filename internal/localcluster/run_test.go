package localcluster

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// freePlan is a plan whose ports were free a moment ago.
func freePlan(t testing.TB, nodes int) Plan {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p := Plan{Nodes: nodes, KafkaPort: l.Addr().(*net.TCPAddr).Port, DataDir: t.TempDir()}
		l.Close()
		if p.check() == nil && p.checkPorts() == nil {
			return p
		}
	}
}

// running is a cluster of fake nodes.
type running struct {
	t     testing.TB
	stop  context.CancelFunc
	done  chan error
	notes chan string
	mu    sync.Mutex
	lines bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(p)
}

// noteWriter passes on notes, each of which is one write.
type noteWriter chan string

func (w noteWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

func runFakes(t testing.TB, plan Plan, behaviour string) *running {
	t.Helper()
	t.Setenv("FAKE_NODE", behaviour)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stop: cancel, done: make(chan error, 1), notes: make(chan string, 100)}
	go func() {
		r.done <- Run(ctx, Options{Plan: plan, Program: program, Name: "chronik-server", Lines: r, Notes: noteWriter(r.notes)})
	}()
	return r
}

// pid is that of a node, as the note tells it.
func pid(t testing.TB, note string, node int) int {
	t.Helper()
	found := regexp.MustCompile(fmt.Sprintf(`node %d  \S+  pid (\d+)  `, node)).FindStringSubmatch(note)
	if found == nil {
		t.Fatalf("no pid of node %d in %q", node, note)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNodesRunUntilTheyAreStopped(t *testing.T) {
	plan := freePlan(t, 3)
	for range 2 { // the second time with the data of the first
		r := runFakes(t, plan, "serve")
		note := <-r.notes
		want := fmt.Sprintf("3 of 3 nodes are ready; clients connect to localhost:%d,localhost:%d,localhost:%d\n", plan.KafkaPort, plan.KafkaPort+1, plan.KafkaPort+2)
		if !strings.HasPrefix(note, want) {
			t.Errorf("note %q, want %q first", note, want)
		}
		r.stop()
		if err := <-r.done; err != nil {
			t.Fatal(err)
		}
		said := r.lines.String()
		for node := 1; node <= 3; node++ {
			for _, line := range []string{"arguments [--node-id " + strconv.Itoa(node), "stopped\n"} {
				if line = fmt.Sprintf("node %d | %s", node, line); !strings.Contains(said, line) {
					t.Errorf("%q is missing in\n%s", line, said)
				}
			}
		}
	}
}

func TestOthersGoOnWhereANodeIsKilled(t *testing.T) {
	plan := freePlan(t, 3)
	r := runFakes(t, plan, "serve")
	ready := <-r.notes
	if err := syscall.Kill(pid(t, ready, 2), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	note := <-r.notes
	want := "node 2 has ended (signal: killed), after these lines:\n  arguments [--node-id 2 "
	again := fmt.Sprintf("\n  chronik-server --node-id 2 --advertised-addr localhost --kafka-port %d --data-dir %s/node2 raft-cluster ", plan.KafkaPort+1, plan.DataDir)
	if !strings.HasPrefix(note, want) || !strings.Contains(note, again) {
		t.Errorf("note %q, want %q ... %q", note, want, again)
	}
	for _, other := range []int{1, 3} {
		if err := syscall.Kill(pid(t, ready, other), 0); err != nil {
			t.Errorf("node %d: %v", other, err)
		}
	}
	r.stop()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

func TestRunEndsWithItsLastNode(t *testing.T) {
	r := runFakes(t, freePlan(t, 2), "refuse")
	for range 2 {
		if note := <-r.notes; !strings.Contains(note, "has ended (exit status 1)") || !strings.Contains(note, "\n  no, thank you\n") {
			t.Errorf("note %q", note)
		}
	}
	if err := <-r.done; err == nil || err.Error() != "no node is left" {
		t.Errorf("error %v", err)
	}
}

func TestNodeThatDoesNotStopInOrderIsAnError(t *testing.T) {
	r := runFakes(t, freePlan(t, 1), "stumble")
	<-r.notes
	r.stop()
	if err := <-r.done; err == nil || err.Error() != "node 1 did not stop in order: signal: killed" {
		t.Errorf("error %v", err)
	}
}

func TestWhatCannotRunIsRefusedBeforeAnyNodeStarts(t *testing.T) {
	f := func(plan Plan, want string) {
		t.Helper()
		err := Run(context.Background(), Options{Plan: plan, Program: "/no/such/program"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %s", plan, err, want)
		}
	}
	f(Plan{Nodes: 0, KafkaPort: 9092, DataDir: "d"}, "--nodes 0: a machine has room for 1 to 9 nodes")
	f(Plan{Nodes: 3, KafkaPort: 65434, DataDir: "d"}, "--kafka-port 65434: the ports of 3 nodes begin with one from 1 to 65433")
	f(Plan{Nodes: 3, KafkaPort: 9092}, "--data-dir is empty")

	taken := freePlan(t, 2)
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(taken.raftPort(2)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f(taken, fmt.Sprintf("port %d, which node 2 would listen at, is not free", taken.raftPort(2)))

	single := freePlan(t, 2)
	if err := os.WriteFile(filepath.Join(single.DataDir, nodeFile), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f(single, "is the data directory of a single node")

	other := freePlan(t, 2)
	if err := other.prepare(); err != nil {
		t.Fatal(err)
	}
	other.Nodes = 1
	f(other, "holds a cluster of 2 nodes; start it with --nodes 2, or choose another --data-dir")

	f(freePlan(t, 2), "start node 1: fork/exec /no/such/program")
}
