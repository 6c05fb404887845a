package controller

import (
	"github.com/chronik/chronik/internal/meta"
)

// InitCluster gives a new cluster its id, and the newest metadata version. The first
// leader of the metadata log submits it; on a cluster that has an id already it
// does nothing.
type InitCluster struct{ ID string }

// InitializedCluster is the result of InitCluster.
type InitializedCluster struct{ ID string }

// Name implements Command.
func (InitCluster) Name() string { return "InitCluster" }

// Decide implements Command.
func (c InitCluster) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	if image.ClusterID != "" {
		return nil, InitializedCluster{ID: image.ClusterID}, nil
	}
	return []meta.Record{&meta.VersionRecord{Version: meta.Newest}, &meta.ClusterRecord{ID: c.ID}},
		InitializedCluster(c), nil
}
