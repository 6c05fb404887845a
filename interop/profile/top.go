package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// topFunctions is how many functions of each profile are shown.
const topFunctions = 25

// top is one list of functions.
type top struct {
	kind, what string
	flags      []string
}

// tops are the lists that are printed, without what making profiles costs. Of waits, what is
// told is where in chronik they are, since all are in the runtime's few functions.
func tops() []top {
	ours := []string{"-show=chronik/", "-ignore=chronik/internal/admin"}
	allocs := func(order, index string) []string {
		return []string{order, "-sample_index=" + index, "-ignore=runtime/pprof|chronik/internal/admin"}
	}
	return []top{
		{"cpu", "processor, by what functions take themselves", []string{"-flat"}},
		{"cpu", "processor, with all that they call", []string{"-cum"}},
		{"allocs", "bytes allocated, by functions themselves", allocs("-flat", "alloc_space")},
		{"allocs", "bytes allocated, with all that they call", allocs("-cum", "alloc_space")},
		{"allocs", "objects allocated, by functions themselves", allocs("-flat", "alloc_objects")},
		{"block", "waiting, idle goroutines too, by functions themselves", append([]string{"-flat"}, ours...)},
		{"block", "waiting, with all that they call", append([]string{"-cum"}, ours...)},
		{"mutex", "others kept waiting, by functions themselves", append([]string{"-flat"}, ours...)},
		{"mutex", "others kept waiting, with all that they call", append([]string{"-cum"}, ours...)},
	}
}

// printTops prints the lists, each of all nodes together, and how to see more.
func printTops(ctx context.Context, dir string, out io.Writer) error {
	for _, t := range tops() {
		files, err := filepath.Glob(profileFile(dir, "?", t.kind))
		if err != nil {
			return err
		}
		args := append([]string{"tool", "pprof", "-top", fmt.Sprint("-nodecount=", topFunctions)}, t.flags...)
		text, err := exec.CommandContext(ctx, "go", append(args, files...)...).Output()
		if err != nil {
			return fmt.Errorf("go tool pprof, %s: %w", t.kind, err)
		}
		fmt.Fprintf(out, "%s\n%s\n", t.what, text)
	}
	for _, kind := range kinds() {
		fmt.Fprintln(out, "go tool pprof -http=:", profileFile(dir, "?", kind))
	}
	fmt.Fprintf(out, "all of this: %s\n", filepath.Join(dir, "report.txt"))
	return nil
}

// profileFile is where a node's profile of a kind is kept.
func profileFile(dir, node, kind string) string {
	return filepath.Join(dir, "node"+node+"."+kind+".pprof")
}

// subtract makes a profile of what came after another one of the same node.
func subtract(ctx context.Context, before, after, to string) error {
	said, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-proto", "-output="+to, "-base="+before, after).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go tool pprof -base: %w: %.300s", err, said)
	}
	return errors.Join(os.Remove(before), os.Remove(after))
}
