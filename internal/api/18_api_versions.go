package api

import (
	"context"
	"regexp"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/wire"
)

// ApiVersions (key 18), v0–v4.
//
// Behaviour: lists what table.go serves. A version above ours is answered in
// the form of v0 with UNSUPPORTED_VERSION and our own range, so that a newer
// client can ask again (KIP-511).
// Versions: v3 flexible, client software name and version, features; v4 as v3.
// The one feature is metadata.version: the others belong to something that is not
// served yet (transactions, KIP-848 groups, share groups), and clients decide by that.

// softwareName is what a client's software name and version may look like.
var softwareName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)
})

func (h *Handler) apiVersions(_ context.Context, req *server.Request, r *kmsg.ApiVersionsRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrApiVersionsResponse()
	if r.Version >= 3 && !(softwareName().MatchString(r.ClientSoftwareName) && softwareName().MatchString(r.ClientSoftwareVersion)) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp, nil
	}
	for key := range h.byKey {
		if e := h.byKey[key]; e != nil {
			resp.ApiKeys = append(resp.ApiKeys, advertised(e))
		}
	}
	image := h.Image()
	resp.SupportedFeatures, resp.FinalizedFeatures = features(image)
	resp.FinalizedFeaturesEpoch = int64(image.Index)
	return resp, nil
}

// features are those that this build knows, and the levels that the cluster is at.
func features(image *meta.Image) (supported []kmsg.ApiVersionsResponseSupportedFeature, finalized []kmsg.ApiVersionsResponseFinalizedFeature) {
	s := kmsg.NewApiVersionsResponseSupportedFeature()
	s.Name, s.MinVersion, s.MaxVersion = meta.Feature, meta.Oldest.Level(), meta.Newest.Level()
	supported = append(supported, s)
	if image.Version != 0 { // the cluster has been initialised
		f := kmsg.NewApiVersionsResponseFinalizedFeature()
		f.Name, f.MinVersionLevel, f.MaxVersionLevel = meta.Feature, image.Version.Level(), image.Version.Level()
		finalized = append(finalized, f)
	}
	return supported, finalized
}

func advertised(e *entry) kmsg.ApiVersionsResponseApiKey {
	out := kmsg.NewApiVersionsResponseApiKey()
	out.ApiKey, out.MinVersion, out.MaxVersion = e.key, e.advertisedMin, e.max
	return out
}

func (h *Handler) unsupportedAPIVersions(req *server.Request) server.Reply {
	return func(_ context.Context, dst []byte) ([]byte, error) {
		resp := kmsg.NewPtrApiVersionsResponse()
		resp.ErrorCode = kerr.UnsupportedVersion.Code
		resp.ApiKeys = append(resp.ApiKeys, advertised(h.byKey[apiVersionsKey]))
		dst = wire.AppendResponseHeader(dst, req.Key, 0, req.CorrelationID)
		return resp.AppendTo(dst), nil // version 0
	}
}
