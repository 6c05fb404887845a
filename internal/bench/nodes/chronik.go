package nodes

import (
	"context"
	"fmt"
	"strings"

	"github.com/chronik/chronik/internal/bench/comparison"
	"github.com/chronik/chronik/internal/bench/report"
	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/command"
)

// Chronik is chronik-server as one would start it by hand.
type Chronik struct {
	Server string // the program's file
}

// Describe asks the program for its version.
func (c Chronik) Describe(ctx context.Context) (report.System, error) {
	out, err := command.Run(ctx, command.Line{Args: []string{c.Server, "version"}})
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("%s version: exit code %d: %s", c.Server, out.Code, out.All())
	}
	return report.System{
		Name: "chronik", Version: strings.TrimSpace(strings.TrimPrefix(out.Stdout, "chronik-server ")),
		About: "three nodes with defaults: a record is on the disk of every node that acknowledges it",
	}, err
}

// Cluster makes nodes on empty directories.
func (c Chronik) Cluster(context.Context) (comparison.Cluster, error) {
	nodes, err := cluster.Chronik(c.Server)
	return three(nodes, err)
}
