package brokertest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// with is a command line with another value for an option.
func with(args []string, option, value string) []string {
	args = slices.Clone(args)
	args[slices.Index(args, option)+1] = value
	return args
}

// refused starts a process that must not stay: it says why, in one sentence, and exits
// with 1.
func refused(t *testing.T, binary string, args []string, why ...string) {
	t.Helper()
	p := Launch(t, binary, args...)
	err := p.Ended(Context(t))
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v:\n%s", err, p.Log())
	}
	said := p.Log()
	said = said[strings.LastIndex(said, "\n")+1:]
	if !strings.HasPrefix(said, "chronik-server: ") || !slices.ContainsFunc(why, func(w string) bool { return strings.Contains(said, w) }) {
		t.Errorf("it said:\n%s", p.Log())
	}
}

// A node that does not belong to a cluster is told so, and stops; the cluster goes on,
// and lets the right one in again.
func TestWhoDoesNotBelongIsToldSo(t *testing.T) {
	c, others := NewProcesses(t), NewProcesses(t)
	others.Start(1, 2, 3)
	others.Kill(1, 2, 3)
	c.Start(1, 2, 3)
	c.Kill(3)
	right := c.Arguments(3)
	t.Run("the directory of another node", func(t *testing.T) {
		refused(t, c.binary, with(right, "--node-id", "4"), "belongs to node 3, and this node is 4")
	})
	t.Run("a node that is not one of the peers", func(t *testing.T) {
		stranger := with(with(right, "--node-id", "4"), "--data-dir", filepath.Join(t.TempDir(), "node4"))
		refused(t, c.binary, stranger, "node 4 was to begin one with the voters [1 2 4]: start it without --bootstrap to have it join")
	})
	t.Run("neither a cluster to begin nor one to join", func(t *testing.T) {
		fresh := with(right, "--data-dir", filepath.Join(t.TempDir(), "node3"))
		fresh = slices.DeleteFunc(slices.Delete(fresh, slices.Index(fresh, "--peers"), slices.Index(fresh, "--peers")+2), func(arg string) bool { return arg == "--bootstrap" })
		refused(t, c.binary, fresh, "is empty: give --bootstrap to begin a cluster, --peers that name a node of the cluster to join")
	})
	t.Run("a voter with an emptied directory", func(t *testing.T) {
		for range 3 {
			refused(t, c.binary, with(right, "--data-dir", filepath.Join(t.TempDir(), "node3")), "comes with an empty data directory")
		}
	})
	t.Run("another cluster's directory", func(t *testing.T) {
		refused(t, c.binary, with(right, "--data-dir", others.layout.dirs[2]), "data directory is of cluster")
	})
	t.Run("another cluster's directory when all start", func(t *testing.T) {
		c.Kill(1, 2)
		c.Launch(1, 2)
		refused(t, c.binary, with(right, "--data-dir", others.layout.dirs[2]), "data directory is of cluster")
		c.Await(1, 2)
	})
	t.Run("a voter with an emptied directory when all start", func(t *testing.T) {
		c.Kill(1, 2)
		c.Launch(1, 2)
		refused(t, c.binary, with(right, "--data-dir", filepath.Join(t.TempDir(), "node3")), "comes with an empty data directory")
		c.Await(1, 2)
	})
	c.Start(3)
	c.quiet(t)
}

// Where a node of the cluster was, one of another cluster may be, with the same id. A node
// that starts, and has that address in its metadata alone, is sent away there, and waits for
// its own.
func TestAnotherClustersNodeAtARegisteredAddressEndsNoStart(t *testing.T) {
	c := NewProcesses(t)
	c.Start(1, 2, 3)
	c.Kill(1, 2, 3)
	foreign := c.Arguments(1)
	foreign = slices.Delete(foreign, slices.Index(foreign, "--peers"), slices.Index(foreign, "--peers")+2)
	StartProcess(t, c.binary, with(foreign, "--data-dir", filepath.Join(t.TempDir(), "foreign"))...)
	third := Launch(t, c.binary, with(c.Arguments(3), "--peers", "2@127.0.0.1:"+c.layout.raft[1])...)
	third.Await("A node does not accept this one")
	Launch(t, c.binary, with(c.Arguments(2), "--peers", "3@127.0.0.1:"+c.layout.raft[2])...).Await(saidReady)
	third.Await(saidReady)
	if at := "address=127.0.0.1:" + c.layout.raft[0]; !strings.Contains(third.Log(), at) {
		t.Errorf("it has not said %s:\n%s", at, third.Log())
	}
}

// A node that waits for others stops when it is asked to, and has broken nothing.
func TestNodeThatWaitsForOthersStops(t *testing.T) {
	c := NewProcesses(t)
	for range 2 {
		alone := Launch(t, c.binary, c.Arguments(1)...)
		alone.Await("Raft cluster initialized")
		if err := alone.Interrupt(Context(t)); err != nil {
			t.Errorf("it stopped with %v:\n%s", err, alone.Log())
		}
	}
	c.Start(2, 1) // a majority suffices
	c.Start(3)
}
