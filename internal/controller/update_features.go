package controller

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/wire"
)

// UpdateFeatures raises the levels of Kafka's features (KIP-584), all that are named or
// none. The one there is is the metadata version.
//
// It is raised to what every registered broker and every voter of the quorum is known to
// support. It is not lowered to where the records are others: nodes of an earlier build
// would find what they do not know in the log, whatever the version says later on.
type UpdateFeatures struct {
	Updates      []FeatureUpdate
	ValidateOnly bool
}

// FeatureUpdate is what one feature is to become.
type FeatureUpdate struct {
	Feature string
	Level   int16
	Type    UpgradeType
}

// UpgradeType is what somebody means to do; the numbers are Kafka's.
type UpgradeType int8

// The types.
const (
	Upgrade         UpgradeType = 1
	SafeDowngrade   UpgradeType = 2
	UnsafeDowngrade UpgradeType = 3
)

// FeaturesUpdated is the result of UpdateFeatures: all were.
type FeaturesUpdated struct{}

// Name implements Command.
func (UpdateFeatures) Name() string { return "UpdateFeatures" }

// Decide implements Command.
func (c UpdateFeatures) Decide(image *meta.Image, env Env) ([]meta.Record, any, error) {
	var records []meta.Record
	seen := make(map[string]bool)
	for _, u := range c.Updates {
		if seen[u.Feature] {
			return nil, nil, wire.Errorf(kerr.InvalidRequest, "The feature %q is named twice.", u.Feature)
		}
		seen[u.Feature] = true
		record, reason := u.decide(image, env)
		if reason != "" {
			return nil, nil, wire.Errorf(kerr.InvalidUpdateVersion,
				"The update failed for all features since the following feature had an error: Invalid update version %d for feature %s. %s", u.Level, u.Feature, reason)
		}
		if record != nil {
			records = append(records, record)
		}
	}
	if c.ValidateOnly {
		records = nil
	}
	return records, FeaturesUpdated{}, nil
}

// decide returns the record that carries the update out, nil where there is nothing to
// do, or why it is refused.
func (u FeatureUpdate) decide(image *meta.Image, env Env) (record meta.Record, refused string) {
	if u.Type < Upgrade || u.Type > UnsafeDowngrade {
		return nil, "The controller does not support the given upgrade type."
	}
	if u.Feature != meta.Feature {
		return nil, fmt.Sprintf("The feature is not served: %s is the one that there is, and %d is its newest level.", meta.Feature, meta.Newest.Level())
	}
	next, ok := meta.VersionOf(u.Level)
	switch {
	case !ok || !meta.Supported.Contains(next):
		return nil, fmt.Sprintf("The controller knows %s.", meta.Supported)
	case next < image.Version && u.Type == Upgrade:
		return nil, "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
	case next > image.Version && u.Type != Upgrade:
		return nil, "Can't downgrade to a newer version."
	case next < image.Version && next.ChangesFormat(image.Version):
		return nil, fmt.Sprintf("Unsupported metadata.version downgrade from %d to %d: an earlier build cannot read what the log has of later versions, safe or unsafe.",
			image.Version.Level(), next.Level())
	case next == image.Version:
		return nil, ""
	}
	if refused := notSupporting(image, env, next); refused != "" {
		return nil, refused
	}
	return &meta.VersionRecord{Version: next}, ""
}

// notSupporting says which node keeps the cluster from a version; "" is none.
func notSupporting(image *meta.Image, env Env, v meta.Version) string {
	for _, b := range image.Brokers.Sorted() {
		supports := b.Supports
		if env.Heard != nil {
			if heard := env.Heard(b.ID, b.Epoch); !heard.IsZero() {
				supports = heard
			}
		}
		switch {
		case supports.IsZero():
			return fmt.Sprintf("Node %d has not said which versions it knows: start it, with a build of release %s or later, or try again in a moment.", b.ID, v.Since())
		case !supports.Contains(v):
			return fmt.Sprintf("Node %d knows %s: start a build of release %s or later there.", b.ID, supports, v.Since())
		}
	}
	for _, voter := range env.Voters {
		if image.Brokers.ByID(voter) == nil {
			return fmt.Sprintf("Node %d is a voter of the metadata quorum and has not registered: start it, with a build of release %s or later.", voter, v.Since())
		}
	}
	return ""
}
