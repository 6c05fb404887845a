package api

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// ListConfigResources (key 74), v0–v1 (KIP-1142).
//
// Behaviour: the names of what can have settings: topics, brokers and
// groups that have any. v0 asks for client metrics only; chronik
// takes no telemetry, so that there are none.

// Resource types that have no settings of their own here.
const (
	brokerLoggerResource  = 8
	clientMetricsResource = 16
)

func (h *Handler) listConfigResources(_ context.Context, _ *server.Request, r *kmsg.ListConfigResourcesRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrListConfigResourcesResponse()
	if r.Version == 0 {
		return resp, nil
	}
	types := r.ResourceTypes
	if len(types) == 0 {
		types = []int8{int8(meta.TopicResource), int8(meta.BrokerResource), brokerLoggerResource, clientMetricsResource, int8(meta.GroupResource)}
	}
	image := h.Image()
	for _, resourceType := range types {
		names, ok := configResourceNames(image, resourceType)
		if !ok {
			resp.ErrorCode = kerr.UnsupportedVersion.Code
			resp.ConfigResources = nil
			return resp, nil
		}
		for _, name := range names {
			out := kmsg.NewListConfigResourcesResponseConfigResource()
			out.Name, out.Type = name, resourceType
			resp.ConfigResources = append(resp.ConfigResources, out)
		}
	}
	return resp, nil
}

// configResourceNames lists the resources of a type; false for an unknown type.
func configResourceNames(image *meta.Image, resourceType int8) ([]string, bool) {
	var names []string
	switch resourceType {
	case int8(meta.TopicResource):
		for topic := range image.Topics.All() {
			names = append(names, topic.Name)
		}
	case int8(meta.BrokerResource), brokerLoggerResource:
		for b := range image.Brokers.All() {
			names = append(names, strconv.Itoa(int(b.ID)))
		}
	case int8(meta.GroupResource):
		for resource := range image.Configs.All() {
			if resource.Type == meta.GroupResource {
				names = append(names, resource.Name)
			}
		}
	case clientMetricsResource:
	default:
		return nil, false
	}
	slices.SortFunc(names, strings.Compare)
	return names, true
}
