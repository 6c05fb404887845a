package brokertest

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A new cluster begins with the newest metadata version, says so, and is not lowered.
func TestMetadataVersionIsAFeature(t *testing.T) {
	raw := Start(t, t.TempDir()).Raw(t)
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "t", "1"
	versions.Version = 4
	resp := raw.Ask(versions).(*kmsg.ApiVersionsResponse)
	if len(resp.SupportedFeatures) != 1 || resp.SupportedFeatures[0].Name != "metadata.version" ||
		resp.SupportedFeatures[0].MinVersion != 29 || resp.SupportedFeatures[0].MaxVersion != 30 {
		t.Errorf("%+v", resp.SupportedFeatures)
	}
	if len(resp.FinalizedFeatures) != 1 || resp.FinalizedFeatures[0].Name != "metadata.version" ||
		resp.FinalizedFeatures[0].MaxVersionLevel != 30 || resp.FinalizedFeaturesEpoch < 1 {
		t.Errorf("%+v of %d", resp.FinalizedFeatures, resp.FinalizedFeaturesEpoch)
	}
	update := func(version int16, change func(*kmsg.UpdateFeaturesRequest, *kmsg.UpdateFeaturesRequestFeatureUpdate), words string) {
		t.Helper()
		r, u := kmsg.NewPtrUpdateFeaturesRequest(), kmsg.NewUpdateFeaturesRequestFeatureUpdate()
		u.Feature, u.MaxVersionLevel, u.UpgradeType = "metadata.version", 30, 1
		change(r, &u)
		r.FeatureUpdates = append(r.FeatureUpdates, u)
		r.Version = version
		answer := raw.Ask(r).(*kmsg.UpdateFeaturesResponse)
		said := ""
		if answer.ErrorMessage != nil {
			said = *answer.ErrorMessage
		}
		want := error(nil)
		if words != "" {
			want = kerr.InvalidUpdateVersion
		}
		if err := kerr.ErrorForCode(answer.ErrorCode); !errors.Is(err, want) || !strings.Contains(said, words) {
			t.Errorf("version %d: %v, %s", version, err, said)
		}
		if results := len(answer.Results); results != 0 && (version == 2 || words != "") || results == 0 && version < 2 && words == "" {
			t.Errorf("version %d: %d results, %s", version, results, said)
		}
	}
	type request = kmsg.UpdateFeaturesRequest
	type feature = kmsg.UpdateFeaturesRequestFeatureUpdate
	update(2, func(*request, *feature) {}, "")
	update(2, func(r *request, u *feature) { r.ValidateOnly = true }, "")
	update(2, func(_ *request, u *feature) { u.MaxVersionLevel = 31 }, "The controller knows metadata.version 29 (4.2-IV1) to 30 (4.3-IV0)")
	update(2, func(_ *request, u *feature) { u.MaxVersionLevel, u.UpgradeType = 29, 2 }, "Unsupported metadata.version downgrade from 30 to 29")
	update(2, func(_ *request, u *feature) { u.MaxVersionLevel, u.UpgradeType = 29, 3 }, "Unsupported metadata.version downgrade from 30 to 29")
	update(1, func(*request, *feature) {}, "")
	update(1, func(_ *request, u *feature) { u.MaxVersionLevel, u.UpgradeType = 29, 1 }, "Can't downgrade the version")
	update(0, func(_ *request, u *feature) { u.AllowDowngrade = true }, "")
	update(0, func(_ *request, u *feature) { u.MaxVersionLevel = 29 }, "Can't downgrade the version")
	update(0, func(_ *request, u *feature) { u.MaxVersionLevel, u.AllowDowngrade = 29, true }, "Unsupported metadata.version downgrade")
	update(2, func(_ *request, u *feature) { u.Feature = "group.version" }, "The feature is not served")
}
