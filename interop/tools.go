package main

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
	"time"
)

// installMax bounds one installation: downloads over a slow line included.
const installMax = 10 * time.Minute

// tools is where things were installed.
type tools struct {
	cache   string // absolute
	sources string // interop/clients

	kafkaJars string // directory of Kafka's jars
	// oldKafkaJars are those of the release before 4.
	oldKafkaJars string
	javaClasses  string // our compiled Java program
	jvmArchive   string // class-data archive, which takes a JVM's start from 1.4 s to 0.5 s
	python       string // the virtual environment's interpreter
	nodeModules  string
	kcat         string
	aptUpdated   bool
}

// sourceDir finds the client programs beside this file: the command runs from a
// checkout.
func sourceDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "clients")
}

// installed returns the directory name-HASH below the cache, filled by fill unless it
// already is. The hash is over the manifest's content, so that an edit installs anew.
func (t *tools) installed(name, manifest string, fill func(dir string) error) (string, error) {
	data, err := os.ReadFile(manifest)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	dir := filepath.Join(t.cache, name+"-"+hex.EncodeToString(sum[:6]))
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
	fmt.Println("installing", name)
	if err := fill(dir); err != nil {
		return "", fmt.Errorf("install %s: %w", name, err)
	}
	return dir, os.WriteFile(complete, nil, 0o644)
}

// need makes sure that a program is there, from Debian's packages if it is not.
func (t *tools) need(ctx context.Context, program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	return t.apt(ctx, packages...)
}

func (t *tools) apt(ctx context.Context, packages ...string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("install these and try again: %v", packages)
	}
	sudo := []string{}
	if os.Geteuid() != 0 {
		sudo = []string{"sudo"}
	}
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if !t.aptUpdated {
		args := append(sudo, "apt-get", "update", "-q")
		if err := succeed(ctx, command{args: args, env: env, limit: installMax}); err != nil {
			return err
		}
		t.aptUpdated = true
	}
	fmt.Println("installing", packages)
	args := append(sudo, "apt-get", "install", "-y", "-q", "--no-install-recommends")
	return succeed(ctx, command{args: append(args, packages...), env: env, limit: installMax})
}

func installKafka(ctx context.Context, t *tools) error {
	if err := t.need(ctx, "javac", "default-jdk-headless"); err != nil {
		return err
	}
	if err := t.need(ctx, "mvn", "maven"); err != nil {
		return err
	}
	pom := filepath.Join(t.sources, "kafka", "pom.xml")
	dir, err := t.installed("kafka", pom, func(dir string) error {
		return succeed(ctx, command{limit: installMax, args: []string{"mvn", "-q", "-B", "-f", pom,
			"dependency:copy-dependencies", "-DoutputDirectory=" + filepath.Join(dir, "jars")}})
	})
	if err != nil {
		return err
	}
	t.kafkaJars = filepath.Join(dir, "jars")
	t.jvmArchive = filepath.Join(dir, "tools.jsa")
	return nil
}

func installJavaClient(ctx context.Context, t *tools) error {
	if err := installKafka(ctx, t); err != nil {
		return err
	}
	sources, err := filepath.Glob(filepath.Join(t.sources, "java", "*.java"))
	if err != nil {
		return err
	}
	t.javaClasses = filepath.Join(t.cache, "java-classes")
	args := []string{"javac", "-Xlint:all,-serial", "-Werror", "-proc:none",
		"-cp", filepath.Join(t.kafkaJars, "kafka-clients-*.jar"), "-d", t.javaClasses}
	jars, err := filepath.Glob(args[5])
	if err != nil || len(jars) != 1 {
		return errors.Join(fmt.Errorf("%d kafka-clients jars", len(jars)), err)
	}
	args[5] = jars[0]
	return succeed(ctx, command{args: append(args, sources...), limit: installMax})
}

func installPython(ctx context.Context, t *tools) error {
	if err := t.need(ctx, "python3", "python3"); err != nil {
		return err
	}
	// Debian's python3 alone makes no virtual environments.
	if out, err := execute(ctx, command{args: []string{"python3", "-c", "import ensurepip, venv"}}); err != nil || out.code != 0 {
		if err := t.apt(ctx, "python3-venv"); err != nil {
			return err
		}
	}
	requirements := filepath.Join(t.sources, "python", "requirements.txt")
	dir, err := t.installed("python", requirements, func(dir string) error {
		venv := []string{"python3", "-m", "venv", dir}
		if err := succeed(ctx, command{args: venv, limit: installMax}); err != nil {
			return err
		}
		pip := []string{filepath.Join(dir, "bin", "pip"), "install", "-q", "--disable-pip-version-check",
			"--only-binary", ":all:", "-r", requirements}
		return succeed(ctx, command{args: pip, limit: installMax})
	})
	t.python = filepath.Join(dir, "bin", "python")
	return err
}

func installKafkaJS(ctx context.Context, t *tools) error {
	if err := t.need(ctx, "node", "nodejs"); err != nil {
		return err
	}
	if err := t.need(ctx, "npm", "npm"); err != nil {
		return err
	}
	lock := filepath.Join(t.sources, "kafkajs", "package-lock.json")
	dir, err := t.installed("kafkajs", lock, func(dir string) error {
		for _, name := range []string{"package.json", "package-lock.json"} {
			data, err := os.ReadFile(filepath.Join(t.sources, "kafkajs", name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		return succeed(ctx, command{dir: dir, limit: installMax,
			args: []string{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}})
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
	if err := t.apt(ctx, "kcat"); err != nil {
		return err
	}
	path, err := exec.LookPath("kcat")
	t.kcat = path
	return err
}

// exists tells whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
