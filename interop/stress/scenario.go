package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/install"
	"github.com/chronik/chronik/interop/kafka"
)

// scenario is one kind of stress.
type scenario struct {
	name, what string
	// settings are the brokers', by Kafka's names.
	settings map[string]string
	// env is for chronik's processes alone; a JVM has its limits on the command line.
	env []string
	// files are how many a process has open at most.
	files func(o *options) int
	// prepare is done before nodes start; nil: nothing is.
	prepare func(*scene) error
	run     func(*scene) error
}

func scenarios() []scenario {
	return []scenario{partitions(), producers(), connections(), cold(), slow(), large(), overload(), encrypted()}
}

// perform carries a scenario out with a cluster of its own. The directory is kept where
// something has failed.
func perform(ctx context.Context, o options, s scenario, out io.Writer) (err error) {
	fmt.Fprintf(out, "\n%s: %s\n", s.name, s.what)
	if s.files != nil {
		if err := allowFiles(s.files(&o)); err != nil {
			return err
		}
	}
	c, err := o.newCluster(ctx, s)
	if err != nil {
		return err
	}
	defer func() {
		keep := err != nil && ctx.Err() == nil
		if keep {
			err = fmt.Errorf("%w\n  logs and data are kept in %s", err, c.Dir)
		}
		err = errors.Join(err, c.Close(keep))
	}()
	scene := &scene{options: o, ctx: ctx, out: out, progress: os.Stderr, name: s.name, cluster: c}
	if s.prepare != nil {
		if err := s.prepare(scene); err != nil {
			return err
		}
	}
	if err := scene.open(); err != nil {
		return err
	}
	defer scene.close()
	if err := errors.Join(s.run(scene), scene.end()); err != nil {
		return err
	}
	if scene.broken != nil {
		return errors.New(strings.Join(scene.broken, "; "))
	}
	return nil
}

// newCluster is three nodes, none of which runs yet.
func (o *options) newCluster(ctx context.Context, s scenario) (*cluster.Cluster, error) {
	if o.target == "chronik" {
		env := s.env
		for name, value := range s.settings {
			env = append(env, "CHRONIK_"+strings.ToUpper(strings.ReplaceAll(name, ".", "_"))+"="+value)
		}
		return cluster.Chronik(o.server, env...)
	}
	place, err := install.NewPlace(o.cache)
	if err != nil {
		return nil, err
	}
	tools, err := kafka.Install(ctx, place)
	if err != nil {
		return nil, err
	}
	var properties []string
	for name, value := range s.settings {
		properties = append(properties, name+"="+value)
	}
	return cluster.Kafka(ctx, tools, properties...)
}
