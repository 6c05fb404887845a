package localcluster

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// parent is a process with a cluster, for the test that kills it.
func parent() {
	port, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	os.Setenv("FAKE_NODE", "serve")
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	err = Run(context.Background(), Options{Plan: Plan{Nodes: 2, KafkaPort: port, DataDir: os.Args[1]},
		Program: program, Name: program, Lines: os.Stderr, Notes: os.Stdout})
	panic(err)
}

func TestNodesDieWithTheirParent(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plan := freePlan(t, 2)
	command := exec.Command(program, plan.DataDir, strconv.Itoa(plan.KafkaPort))
	command.Env = append(os.Environ(), "FAKE_NODE=parent")
	notes, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(notes).ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "2 of 2 nodes are ready") {
		t.Errorf("first note %q, %v", first, err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for node := 1; node <= 2; node++ { // each holds its lock while it lives
		lock, err := os.Open(filepath.Join(plan.dataDir(node), "lock"))
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
			t.Error(err)
		}
		lock.Close()
	}
	if err := command.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the parent ended with %v", err)
	}
}
