package sim

import (
	"slices"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// initialise is how the first controller begins.
func (c *cluster) initialise() controller.Command {
	if c.plan.raises {
		return earlier{controller.InitCluster{ID: "simulated"}}
	}
	return controller.InitCluster{ID: "simulated"}
}

// earlier is InitCluster of a build that knew the oldest metadata version.
type earlier struct{ controller.InitCluster }

// Decide implements controller.Command.
func (e earlier) Decide(image *meta.Image, env controller.Env) ([]meta.Record, any, error) {
	records, result, err := e.InitCluster.Decide(image, env)
	for i, r := range records {
		if _, ok := r.(*meta.VersionRecord); ok {
			records[i] = &meta.VersionRecord{Version: meta.Oldest}
		}
	}
	return records, result, err
}

// raiseVersion has an administrator raise the metadata version, for as long as some node
// was not heard of.
func (c *cluster) raiseVersion() {
	raise := controller.FeatureUpdate{Feature: meta.Feature, Level: meta.Newest.Level(), Type: controller.Upgrade}
	c.command(controller.UpdateFeatures{Updates: []controller.FeatureUpdate{raise}}, func(image *meta.Image) bool { return image.Version == meta.Newest })
}

// allRun reports whether no node is down: of one that is, nobody knows what it supports.
func (c *cluster) allRun() bool {
	return !slices.ContainsFunc(c.nodes, func(n *node) bool { return n.process == nil })
}

// heard is as in controller.Env.
func (p *process) heard(node model.NodeID, epoch model.BrokerEpoch) meta.Range {
	if p.supervisor == nil {
		return meta.Range{}
	}
	return p.supervisor.Supports(node, epoch)
}
