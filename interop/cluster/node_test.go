package cluster

import (
	"os"
	"strings"
	"testing"
)

// run starts a cluster whose nodes run a script of the shell, which have no addresses.
func run(t *testing.T, script string) *Cluster {
	t.Helper()
	c, err := Custom(func(int, string) []string { return []string{"sh", "-c", script} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(false) })
	for _, n := range c.Nodes {
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// demand fails the test unless an error says all of some texts, in that order.
func demand(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", texts)
	}
	rest := err.Error()
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Fatalf("%q is not said, or not there, in\n%s", text, err)
		}
		rest = after
	}
}

func TestNodesThatEndByThemselvesAreToldOf(t *testing.T) {
	c := run(t, "seq 1 100; exit 7")
	for _, n := range c.Nodes {
		<-n.exited
	}
	demand(t, c.Gone(), "node 1 has ended by itself, with exit status 7; its log ends with\n81\n", "\n100\n", "node 2 has", "node 3 has")
	demand(t, c.Node(1).Kill(), "node 1 has ended by itself, with exit status 7", "\n100")
	demand(t, c.Node(2).Interrupt(), "node 2 has ended by itself, with exit status 7", "\n100")
	demand(t, c.Node(3).Pause(), "node 3 has ended by itself, with exit status 7", "\n100")
	if c.Node(1).Running() || c.Node(1).Gone() != nil {
		t.Error("node 1 was told of, and is told of again")
	}
}

func TestLogOfANodeWhoseDirectoryIsGoneIsToldOf(t *testing.T) {
	c := run(t, "echo why >&2; read -r wait")
	<-c.Node(1).exited // there is nothing to read
	if err := os.RemoveAll(c.Dir); err != nil {
		t.Fatal(err)
	}
	demand(t, c.Node(1).Gone(), "node 1 has ended by itself, with exit status 1", "\nwhy")
}

func TestNodesThatAreEndedAreNotToldOf(t *testing.T) {
	c := run(t, "trap 'exit 0' INT; echo ready; while :; do sleep 0.01; done")
	if err := c.Gone(); err != nil {
		t.Fatal(err)
	}
	if err := c.Node(1).Kill(); err != nil {
		t.Error(err)
	}
	if err := c.Node(2).Interrupt(); err != nil {
		t.Error(err)
	}
	<-c.Node(2).exited
	if err := c.Gone(); err != nil {
		t.Error(err)
	}
}
