package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/chronik/chronik/interop/command"
	"github.com/chronik/chronik/interop/install"
	"github.com/chronik/chronik/interop/kafka"
)

// tools is what was installed.
type tools struct {
	*install.Place

	kafka       *kafka.Tools
	oldKafka    *kafka.Tools
	python      string // the virtual environment's interpreter
	nodeModules string
	kcat        string
	previous    string // chronik-server of the release before; empty: this is no git checkout
}

func installKafka(ctx context.Context, t *tools) (err error) {
	if t.kafka == nil {
		t.kafka, err = kafka.Install(ctx, t.Place)
	}
	return err
}

func installJavaClient(ctx context.Context, t *tools) error {
	if err := installKafka(ctx, t); err != nil {
		return err
	}
	return t.kafka.CompilePrograms(ctx, t.Place)
}

func installPython(ctx context.Context, t *tools) error {
	if err := t.Need(ctx, "python3", "python3"); err != nil {
		return err
	}
	// Debian's python3 alone makes no virtual environments.
	if out, err := command.Run(ctx, line{Args: []string{"python3", "-c", "import ensurepip, venv"}}); err != nil || out.Code != 0 {
		if err := t.Apt(ctx, "python3-venv"); err != nil {
			return err
		}
	}
	requirements := filepath.Join(t.Sources, "python", "requirements.txt")
	dir, err := t.Installed("python", requirements, func(dir string) error {
		venv := []string{"python3", "-m", "venv", dir}
		if err := command.Succeed(ctx, line{Args: venv, Limit: command.InstallMax}); err != nil {
			return err
		}
		pip := []string{filepath.Join(dir, "bin", "pip"), "install", "-q", "--disable-pip-version-check",
			"--only-binary", ":all:", "-r", requirements}
		return command.Succeed(ctx, line{Args: pip, Limit: command.InstallMax})
	})
	t.python = filepath.Join(dir, "bin", "python")
	return err
}

func installKafkaJS(ctx context.Context, t *tools) error {
	if err := t.Need(ctx, "node", "nodejs"); err != nil {
		return err
	}
	if err := t.Need(ctx, "npm", "npm"); err != nil {
		return err
	}
	lock := filepath.Join(t.Sources, "kafkajs", "package-lock.json")
	dir, err := t.Installed("kafkajs", lock, func(dir string) error {
		for _, name := range []string{"package.json", "package-lock.json"} {
			data, err := os.ReadFile(filepath.Join(t.Sources, "kafkajs", name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		return command.Succeed(ctx, line{Dir: dir, Limit: command.InstallMax,
			Args: []string{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}})
	})
	t.nodeModules = filepath.Join(dir, "node_modules")
	return err
}

// installKcat installs Python's client too, which creates the topics that want more than the
// default number of partitions.
func installKcat(ctx context.Context, t *tools) error {
	if err := installPython(ctx, t); err != nil {
		return err
	}
	for _, name := range []string{"kcat", "kafkacat"} {
		if path, err := exec.LookPath(name); err == nil {
			t.kcat = path
			return nil
		}
	}
	if err := t.Apt(ctx, "kcat"); err != nil {
		return err
	}
	path, err := exec.LookPath("kcat")
	t.kcat = path
	return err
}
