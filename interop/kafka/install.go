package kafka

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/chronik/chronik/interop/command"
	"github.com/chronik/chronik/interop/install"
)

// Tools are the jars of one release of Kafka's.
type Tools struct {
	version string // empty for the one of the pom
	jars    string // a directory
	sources string // interop/clients
	// archive is of class data, which takes a JVM's start from 1.4 s to 0.5 s. It
	// fits one set of jars.
	archive string
	classes string // our compiled Java programs
}

// Install gets the release that the pom names.
func Install(ctx context.Context, p *install.Place) (*Tools, error) {
	t, err := installJars(ctx, p, "kafka", "")
	if err != nil {
		return nil, err
	}
	t.archive = filepath.Join(filepath.Dir(t.jars), "tools.jsa")
	return t, nil
}

// InstallVersion gets another release, the logging of which may be another's too.
func InstallVersion(ctx context.Context, p *install.Place, version string) (*Tools, error) {
	return installJars(ctx, p, "kafka-"+version, version, "-Dkafka.version="+version, "-DexcludeArtifactIds=slf4j-reload4j,reload4j")
}

func installJars(ctx context.Context, p *install.Place, name, version string, args ...string) (*Tools, error) {
	if err := errors.Join(p.Need(ctx, "javac", "default-jdk-headless"), p.Need(ctx, "mvn", "maven")); err != nil {
		return nil, err
	}
	pom := filepath.Join(p.Sources, "kafka", "pom.xml")
	dir, err := p.Installed(name, pom, func(dir string) error {
		line := append([]string{"mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory=" + filepath.Join(dir, "jars")}, args...)
		return command.Succeed(ctx, command.Line{Limit: command.InstallMax, Args: line})
	})
	if err != nil {
		return nil, err
	}
	return &Tools{version: version, jars: filepath.Join(dir, "jars"), sources: p.Sources}, nil
}

// Release is which one it is, by what its jars are called.
func (t *Tools) Release() (string, error) {
	jar, err := t.clientJar()
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jar), clientJarPrefix), ".jar"), err
}

// clientJarPrefix is what the client's jar is called, before its version.
const clientJarPrefix = "kafka-clients-"

func (t *Tools) clientJar() (string, error) {
	jars, err := filepath.Glob(filepath.Join(t.jars, clientJarPrefix+"*.jar"))
	if err != nil || len(jars) != 1 {
		return "", errors.Join(fmt.Errorf("%d %s jars", len(jars), strings.TrimSuffix(clientJarPrefix, "-")), err)
	}
	return jars[0], nil
}

// CompilePrograms compiles our Java programs against the client.
func (t *Tools) CompilePrograms(ctx context.Context, p *install.Place) (err error) {
	t.classes, err = t.Compile(ctx, p, filepath.Join(p.Sources, "java"), "java-classes")
	return err
}

// Compile compiles the Java programs of a directory against the client, into one of
// the cache's.
func (t *Tools) Compile(ctx context.Context, p *install.Place, sources, name string) (classes string, err error) {
	programs, err := filepath.Glob(filepath.Join(sources, "*.java"))
	if err != nil {
		return "", err
	}
	jar, err := t.clientJar()
	if err != nil {
		return "", err
	}
	classes = filepath.Join(p.Cache, name)
	args := []string{"javac", "-Xlint:all,-serial", "-Werror", "-proc:none", "-cp", jar, "-d", classes}
	return classes, command.Succeed(ctx, command.Line{Args: append(args, programs...), Limit: command.InstallMax})
}

// Java is the beginning of a command line that runs a class of Kafka's, or of
// classes beside it, in a JVM with so much memory.
func (t *Tools) Java(heap string, classes ...string) []string {
	return []string{"java", "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + filepath.Join(t.sources, "kafka", "log4j2.properties"),
		"-cp", strings.Join(append(classes, filepath.Join(t.jars, "*")), string(filepath.ListSeparator))}
}
