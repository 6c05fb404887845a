package controller

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// olderCluster is a cluster of an earlier version, of nodes that have not said what they
// support.
func olderCluster(t *testing.T, nodes int) *cluster {
	t.Helper()
	c := &cluster{t: t}
	var err error
	if c.image, err = new(meta.Image).After([]meta.Record{&meta.VersionRecord{Version: meta.Version1}, &meta.ClusterRecord{ID: "c"}}, 1); err != nil {
		t.Fatal(err)
	}
	for n := range nodes {
		must[RegisteredBroker](c, register(model.NodeID(n), 1))
	}
	return c
}

func update57(level int16, t UpgradeType) UpdateFeatures {
	return UpdateFeatures{Updates: []FeatureUpdate{{Feature: meta.Feature, Level: level, Type: t}}}
}

func TestTheVersionIsRaisedToWhatAllSupport(t *testing.T) {
	c := olderCluster(t, 3)
	heard := map[model.NodeID]meta.Range{}
	env := c.env()
	env.Voters = []model.NodeID{0, 1, 2}
	env.Heard = func(n model.NodeID, epoch model.BrokerEpoch) meta.Range {
		if c.image.Brokers.ByID(n).Epoch != epoch {
			t.Errorf("another run of node %d is asked for", n)
		}
		return heard[n]
	}
	refused := func(u UpdateFeatures, words string) {
		t.Helper()
		records, _, err := u.Decide(c.image, env)
		fails(t, err, kerr.InvalidUpdateVersion, words)
		if len(records) > 0 {
			t.Error(records)
		}
	}
	raise := update57(30, Upgrade)
	refused(raise, "Invalid update version 30 for feature metadata.version. Node 0 has not said which versions it knows")
	heard[0], heard[1] = meta.Supported, meta.Supported
	refused(raise, "Node 2 has not said")
	heard[2] = meta.FirstRange
	refused(raise, "Node 2 knows metadata.version 29 (4.2-IV1): start a build of release 0.2 or later there.")
	heard[2] = meta.Supported
	env.Voters = append(env.Voters, 3)
	refused(raise, "Node 3 is a voter of the metadata quorum and has not registered")
	env.Voters = env.Voters[:3]
	refused(update57(31, Upgrade), "The controller knows metadata.version 29 (4.2-IV1) to 30 (4.3-IV0).")
	refused(update57(30, SafeDowngrade), "Can't downgrade to a newer version.")
	refused(update57(30, 0), "does not support the given upgrade type")
	refused(UpdateFeatures{Updates: []FeatureUpdate{{Feature: meta.Feature, Level: 30, Type: Upgrade}, {Feature: "share.version", Level: 1, Type: Upgrade}}},
		"share.version. The feature is not served")
	raise.ValidateOnly = true
	if records, result, err := raise.Decide(c.image, env); len(records) != 0 || result != any(FeaturesUpdated{}) || err != nil {
		t.Error(records, result, err)
	}
	raise.ValidateOnly = false
	raise.Updates = append(raise.Updates, raise.Updates[0])
	_, _, err := raise.Decide(c.image, env)
	fails(t, err, kerr.InvalidRequest, "named twice")

	records, _, err := update57(30, Upgrade).Decide(c.image, env)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if c.image, err = c.image.After(records, c.image.Index+1); err != nil || c.image.Version != meta.Version2 {
		t.Fatal(c.image.Version, err)
	}
	if records, _, err := update57(30, Upgrade).Decide(c.image, env); len(records) != 0 || err != nil {
		t.Error("it is what it is", records, err)
	}
	refused(update57(29, Upgrade), "Can't downgrade the version of this feature without setting the upgrade type")
	refused(update57(29, SafeDowngrade), "Unsupported metadata.version downgrade from 30 to 29")
	refused(update57(29, UnsafeDowngrade), "Unsupported metadata.version downgrade from 30 to 29")
	refused(update57(28, UnsafeDowngrade), "The controller knows")
}

// A broker that is gone has said what it supports when it registered.
func TestARegistrationTellsWhatASilentBrokerSupports(t *testing.T) {
	c := olderCluster(t, 1)
	image, err := c.image.After([]meta.Record{&meta.VersionRecord{Version: meta.Version2}}, c.image.Index+1)
	if err != nil {
		t.Fatal(err)
	}
	c.image = image
	must[RegisteredBroker](c, register(1, 1))
	env := c.env()
	if refused := notSupporting(c.image, env, meta.Version2); refused == "" {
		t.Error("node 0 has registered before")
	}
	env.Heard = func(n model.NodeID, _ model.BrokerEpoch) meta.Range {
		if n == 0 {
			return meta.Supported
		}
		return meta.Range{}
	}
	if refused := notSupporting(c.image, env, meta.Version2); refused != "" {
		t.Error(refused)
	}
	if refused := notSupporting(c.image, env, meta.Newest+1); refused == "" {
		t.Error("nobody knows that version")
	}
}
