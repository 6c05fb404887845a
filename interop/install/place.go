// Package install puts what the interoperability tests need onto the machine:
// Debian's packages where a program is missing, everything else below a cache
// directory. A Place belongs to one goroutine.
package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/chronik/chronik/interop/command"
)

// Place is where things are installed, and where their sources are.
type Place struct {
	Cache   string // absolute
	Sources string // interop/clients

	aptUpdated bool
}

// NewPlace is a place below a cache directory.
func NewPlace(cache string) (*Place, error) {
	absolute, err := filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	sources, err := sourceDir()
	if err != nil {
		return nil, err
	}
	return &Place{Cache: absolute, Sources: sources}, nil
}

// sourceDir finds the client programs beside this package: the commands run from
// a checkout. One that was built with -trimpath does not know which, and looks for
// that which it is started in.
func sourceDir() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	if filepath.IsAbs(file) {
		return filepath.Join(filepath.Dir(filepath.Dir(file)), "clients"), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		clients := filepath.Join(dir, "interop", "clients")
		if Exists(clients) {
			return clients, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not in a checkout of chronik, which says what is to be installed (interop/clients)", here)
		}
	}
}

// Installed returns the directory name-HASH below the cache, filled by fill unless it
// already is. The hash is over the manifest's content, so that an edit installs anew.
func (p *Place) Installed(name, manifest string, fill func(dir string) error) (string, error) {
	data, err := os.ReadFile(manifest)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	dir := filepath.Join(p.Cache, name+"-"+hex.EncodeToString(sum[:6]))
	complete := filepath.Join(dir, ".complete")
	if _, err := os.Stat(complete); err == nil {
		return dir, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr, "installing", name)
	if err := fill(dir); err != nil {
		return "", fmt.Errorf("install %s: %w", name, err)
	}
	return dir, os.WriteFile(complete, nil, 0o644)
}

// Need makes sure that a program is there, from Debian's packages if it is not.
func (p *Place) Need(ctx context.Context, program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	return p.Apt(ctx, packages...)
}

// Apt installs Debian's packages.
func (p *Place) Apt(ctx context.Context, packages ...string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("install these and try again: %v", packages)
	}
	sudo := []string{}
	if os.Geteuid() != 0 {
		sudo = []string{"sudo"}
	}
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if !p.aptUpdated {
		args := append(sudo, "apt-get", "update", "-q")
		if err := command.Succeed(ctx, command.Line{Args: args, Env: env, Limit: command.InstallMax}); err != nil {
			return err
		}
		p.aptUpdated = true
	}
	fmt.Fprintln(os.Stderr, "installing", packages)
	args := append(sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends")
	return command.Succeed(ctx, command.Line{Args: append(args, packages...), Env: env, Limit: command.InstallMax})
}

// Exists tells whether a file is there.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
