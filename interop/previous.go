package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chronik/chronik/interop/command"
	"github.com/chronik/chronik/interop/install"
)

// previousTag is the release before this build, and previousCommit what it is.
const (
	previousTag    = "v0.1.0"
	previousCommit = "935b547990f64d18f67e97ae52ed8cd85684c759"
)

// installPrevious builds the release before, of the history. Sources without a history
// have none to build.
func installPrevious(ctx context.Context, t *tools) error {
	if err := installKafka(ctx, t); err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(t.Sources))
	if !install.Exists(filepath.Join(root, ".git")) {
		return nil
	}
	commit, err := previous(ctx, root)
	if err != nil {
		return err
	}
	// By its commit: what is built of it does not change.
	server := filepath.Join(t.Cache, "chronik-server-"+commit[:12])
	if !install.Exists(server) {
		err = buildCommit(ctx, root, commit, server)
	}
	t.previous = server
	return err
}

// previous is the commit of the release before.
func previous(ctx context.Context, root string) (string, error) {
	for _, name := range []string{previousTag, previousCommit} {
		out, err := command.Run(ctx, line{Dir: root, Args: []string{"git", "rev-parse", "--verify", "--quiet", name + "^{commit}"}})
		if err != nil {
			return "", err
		}
		if out.Code == 0 {
			return strings.TrimSpace(out.Stdout), nil
		}
	}
	return "", fmt.Errorf("this clone has neither the tag %s nor the commit %s, of which the build to upgrade from is made: run git fetch --tags --unshallow",
		previousTag, previousCommit)
}

func buildCommit(ctx context.Context, root, commit, server string) error {
	dir, err := os.MkdirTemp("", "chronik-previous-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sources, archive, part := filepath.Join(dir, "sources"), filepath.Join(dir, "sources.tar"), server+".part"
	if err := os.Mkdir(sources, 0o700); err != nil {
		return err
	}
	for _, step := range []line{
		{Dir: root, Args: []string{"git", "archive", "--format=tar", "-o", archive, commit}},
		{Dir: sources, Args: []string{"tar", "-xf", archive}},
		{
			Dir: sources, Args: []string{"go", "build", "-trimpath", "-buildvcs=false", "-o", part, "./cmd/chronik-server"},
			Env: []string{"CGO_ENABLED=0"}, Limit: command.InstallMax,
		},
	} {
		if err := command.Succeed(ctx, step); err != nil {
			return err
		}
	}
	return os.Rename(part, server)
}
