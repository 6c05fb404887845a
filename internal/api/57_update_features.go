package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/server"
)

// UpdateFeatures (key 57), v0–v2 (KIP-584, KIP-778, KIP-1022).
//
// Behaviour: raises metadata.version to what all nodes support, which kafka-features asks
// for; or says whether it could be, and why not. All that are named are updated, or none.
// Versions: v1 upgrade types and validation only; v2 without a result for each feature.
// Divergence: metadata.version is the one feature. Its levels are Kafka's numbers for
// versions of chronik's own records; it is not lowered where these differ, safe or unsafe.

func (h *Handler) updateFeatures(ctx context.Context, _ *server.Request, r *kmsg.UpdateFeaturesRequest) (kmsg.Response, error) {
	ctx, cancel := withTimeout(ctx, r.TimeoutMillis)
	defer cancel()
	command := controller.UpdateFeatures{ValidateOnly: r.ValidateOnly}
	for _, u := range r.FeatureUpdates {
		command.Updates = append(command.Updates, controller.FeatureUpdate{
			Feature: u.Feature, Level: u.MaxVersionLevel, Type: upgradeType(r.Version, u),
		})
	}
	_, err := submit[controller.FeaturesUpdated](ctx, h.Controller, command)
	resp := kmsg.NewPtrUpdateFeaturesResponse()
	resp.ErrorCode, resp.ErrorMessage = wireCode(err), message(err)
	if err == nil {
		for _, u := range r.FeatureUpdates {
			result := kmsg.NewUpdateFeaturesResponseResult()
			result.Feature = u.Feature
			resp.Results = append(resp.Results, result)
		}
	}
	return resp, nil
}

// upgradeTypes is the version of the request that has them.
const upgradeTypes = 1

func upgradeType(version int16, u kmsg.UpdateFeaturesRequestFeatureUpdate) controller.UpgradeType {
	switch {
	case version >= upgradeTypes:
		return controller.UpgradeType(u.UpgradeType)
	case u.AllowDowngrade:
		return controller.SafeDowngrade
	}
	return controller.Upgrade
}
