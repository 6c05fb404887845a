package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// IncrementalAlterConfigs (key 44), v0–v1 (KIP-339).
//
// Behaviour: sets, deletes, appends to and subtracts from settings of topics and
// brokers; the empty broker name is the default for all. All of a resource's
// changes happen or none.

func (h *Handler) incrementalAlterConfigs(ctx context.Context, _ *server.Request, r *kmsg.IncrementalAlterConfigsRequest) (kmsg.Response, error) {
	command := controller.AlterConfigs{ValidateOnly: r.ValidateOnly}
	for _, asked := range r.Resources {
		resource := controller.AlterResource{Resource: meta.Resource{Type: meta.ResourceType(asked.ResourceType), Name: asked.ResourceName}}
		for _, c := range asked.Configs {
			resource.Ops = append(resource.Ops, controller.ConfigOp{Name: c.Name, Op: controller.ConfigOpType(c.Op), Value: c.Value})
		}
		command.Resources = append(command.Resources, resource)
	}
	errs := h.submitConfigs(ctx, command)
	resp := kmsg.NewPtrIncrementalAlterConfigsResponse()
	for i, asked := range r.Resources {
		out := kmsg.NewIncrementalAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = asked.ResourceType, asked.ResourceName
		out.ErrorCode, out.ErrorMessage = wireCode(errs[i]), message(errs[i])
		resp.Resources = append(resp.Resources, out)
	}
	return resp, nil
}
