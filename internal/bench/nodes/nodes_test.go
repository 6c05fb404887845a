package nodes

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/bench/comparison"
)

// Three real nodes start, are looked at, lose leaders and come back, and leave nothing.
func TestChronik(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("starts processes, and reads their /proc")
	}
	server := filepath.Join(t.TempDir(), "chronik-server")
	if out, err := exec.Command("go", "build", "-o", server, "github.com/chronik/chronik/cmd/chronik-server").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("TMPDIR", t.TempDir())
	system := Chronik{Server: server}
	described, err := system.Describe(t.Context())
	if err != nil || described.Name != "chronik" || described.Version == "" || strings.Contains(described.Version, "\n") {
		t.Errorf("described as %+v, %v", described, err)
	}
	c, err := system.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if left, err := filepath.Glob(filepath.Join(c.(*nodes).Dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}()
	went(t, c)
}

// went goes through all that a comparison asks for.
func went(t *testing.T, c comparison.Cluster) {
	t.Helper()
	took, err := c.Start(t.Context())
	if err != nil || took <= 0 {
		t.Fatalf("start: %s, %v", took, err)
	}
	if addrs := c.Bootstrap(); len(slices.Compact(addrs)) != 3 {
		t.Errorf("addresses %q", addrs)
	}
	before, err := c.Usage()
	if err != nil || before.ResidentBytes < 1<<20 {
		t.Errorf("usage %+v, %v", before, err)
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	for range 2 {
		gap, err := c.LoseLeader(t.Context())
		if err != nil || gap <= 0 {
			t.Fatalf("loss of a leader: %s, %v", gap, err)
		}
		if after, err := c.Usage(); err != nil || after.ResidentBytes < 1<<20 {
			t.Errorf("usage %+v, %v", after, err) // all run again
		}
	}
}

func TestNoServer(t *testing.T) {
	for _, program := range []string{"/nowhere/chronik-server", "false"} {
		if _, err := (Chronik{Server: program}).Describe(t.Context()); err == nil {
			t.Errorf("%s was described", program)
		}
	}
}
