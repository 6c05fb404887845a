package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// DescribeCluster (key 60), v0–v2 (KIP-700).
//
// Behaviour: the cluster's id and its brokers, at the address of the listener
// the client came by.
// Versions: v1 endpoint type (KIP-919); v2 fenced brokers.
// Divergence: chronik's controllers have no address for Kafka clients, so that
// the endpoint type of controllers is refused.

// Endpoint types (KIP-919).
const (
	brokerEndpoints     = 1
	controllerEndpoints = 2
)

func (h *Handler) describeCluster(_ context.Context, req *server.Request, r *kmsg.DescribeClusterRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrDescribeClusterResponse()
	resp.ControllerID, resp.EndpointType = -1, brokerEndpoints
	resp.ClusterAuthorizedOperations = operations(r.IncludeClusterAuthorizedOperations, clusterOperations)
	if r.Version >= 1 && r.EndpointType != brokerEndpoints {
		resp.ErrorCode = kerr.UnsupportedEndpointType.Code
		if r.EndpointType == controllerEndpoints {
			resp.ErrorCode = kerr.MismatchedEndpointType.Code
		}
		resp.ErrorMessage = kmsg.StringPtr("this is a broker's address: ask for brokers")
		return resp, nil
	}
	image := h.Image()
	resp.ClusterID, resp.ControllerID = image.ClusterID, int32(h.controllerID(image))
	for b := range image.Brokers.All() {
		endpoint, ok := h.endpoint(image, b, req.Conn)
		if !ok || b.Fenced && !r.IncludeFencedBrokers {
			continue
		}
		resp.Brokers = append(resp.Brokers, describeBroker(b, endpoint))
	}
	slices.SortFunc(resp.Brokers, func(a, b kmsg.DescribeClusterResponseBroker) int { return int(a.NodeID - b.NodeID) })
	return resp, nil
}

func describeBroker(b *meta.Broker, endpoint meta.Endpoint) kmsg.DescribeClusterResponseBroker {
	out := kmsg.NewDescribeClusterResponseBroker()
	out.NodeID, out.Host, out.Port = int32(b.ID), endpoint.Host, int32(endpoint.Port)
	out.Rack, out.IsFenced = rackOf(b), b.Fenced
	return out
}
