package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// checkOut makes a worktree of a commit; remove takes it away again, whatever has happened.
func checkOut(ctx context.Context, commit, dir string) (tree string, remove func() error, err error) {
	if _, err := output(ctx, ".", "git", "worktree", "add", "--detach", dir, commit); err != nil {
		return "", nil, fmt.Errorf("-base %s: %w", commit, err)
	}
	return dir, func() error {
		_, err := output(context.WithoutCancel(ctx), ".", "git", "worktree", "remove", "--force", dir)
		return err
	}, nil
}

// binary is the tests of a package, built, and where they run.
type binary struct{ path, dir string }

// pair is a package's tests, of the base and of the working directory.
type pair struct {
	name        string // import path
	base, after binary
}

// build builds the tests of the packages that have benchmarks in both trees. Where both
// are the same program there is nothing to compare.
func build(ctx context.Context, o options, base, dir string, out io.Writer) ([]pair, error) {
	ours, err := benchmarked(ctx, ".", o)
	if err != nil {
		return nil, err
	}
	theirs, err := benchmarked(ctx, base, o)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	same := 0
	for i, name := range sortedKeys(ours) {
		if theirs[name] == "" {
			fmt.Fprintf(out, "%s has no such benchmark in %s\n", name, o.base)
			continue
		}
		p := pair{name: name}
		if p.base, err = compile(ctx, base, name, theirs[name], filepath.Join(dir, fmt.Sprint("base", i))); err != nil {
			return nil, err
		}
		if p.after, err = compile(ctx, ".", name, ours[name], filepath.Join(dir, fmt.Sprint("after", i))); err != nil {
			return nil, err
		}
		equal, err := equalFiles(p.base.path, p.after.path)
		if err != nil {
			return nil, err
		}
		if equal && !o.same {
			same++
			continue
		}
		pairs = append(pairs, p)
	}
	fmt.Fprintf(out, "packages with benchmarks: %d to compare, %d that are the same program in %s\n", len(pairs), same, o.base)
	return pairs, nil
}

// benchmarked are the directories of the packages that have benchmarks which are wanted.
func benchmarked(ctx context.Context, tree string, o options) (map[string]string, error) {
	const format = `{{.ImportPath}}	{{.Dir}}	{{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}`
	listed, err := output(ctx, tree, "go", "list", "-f", format, o.packages)
	if err != nil {
		return nil, fmt.Errorf("-packages %s: %w", o.packages, err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(listed)) {
		parts := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(parts) < 3 {
			continue
		}
		for file := range strings.FieldsSeq(parts[2]) {
			text, err := os.ReadFile(filepath.Join(parts[1], file))
			if err != nil {
				return nil, err
			}
			if declares(text, o.bench) {
				found[parts[0]] = parts[1]
			}
		}
	}
	return found, nil
}

// declares reports whether a file has a benchmark that a regexp may mean: its part before
// the first slash is about the function's name.
func declares(file []byte, bench *regexp.Regexp) bool {
	function := regexp.MustCompile(`(?m)^func (Benchmark\w*)\(`)
	first, _, _ := strings.Cut(bench.String(), "/")
	wanted, err := regexp.Compile(first)
	for _, match := range function.FindAllSubmatch(file, -1) {
		if err != nil || wanted.Match(match[1]) {
			return true
		}
	}
	return false
}

// compile builds a package's tests, so that the same sources make the same bytes wherever
// they are.
func compile(ctx context.Context, tree, name, dir, to string) (binary, error) {
	_, err := output(ctx, tree, "go", "test", "-c", "-trimpath", "-buildvcs=false", "-o", to, name)
	return binary{path: to, dir: dir}, err
}

func equalFiles(a, b string) (bool, error) {
	first, err := hashOf(a)
	if err != nil {
		return false, err
	}
	second, err := hashOf(b)
	return bytes.Equal(first, second), err
}

func hashOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// output runs a program in a directory, and returns what it prints.
func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, err := c.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s %s: %w\n%s", name, args[0], err, failed.Stderr)
	}
	return out, err
}
