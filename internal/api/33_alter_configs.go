package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
)

// AlterConfigs (key 33), v0–v2.
//
// Behaviour: replaces all altered settings of a resource by the given ones;
// IncrementalAlterConfigs is what to use instead (KIP-339).

func (h *Handler) alterConfigs(ctx context.Context, _ *server.Request, r *kmsg.AlterConfigsRequest) (kmsg.Response, error) {
	command := controller.AlterConfigs{ValidateOnly: r.ValidateOnly, Replace: true}
	for _, asked := range r.Resources {
		resource := controller.AlterResource{Resource: meta.Resource{Type: meta.ResourceType(asked.ResourceType), Name: asked.ResourceName}}
		for _, c := range asked.Configs {
			resource.Ops = append(resource.Ops, controller.ConfigOp{Name: c.Name, Op: controller.SetConfig, Value: c.Value})
		}
		command.Resources = append(command.Resources, resource)
	}
	errs := h.submitConfigs(ctx, command)
	resp := kmsg.NewPtrAlterConfigsResponse()
	for i, asked := range r.Resources {
		out := kmsg.NewAlterConfigsResponseResource()
		out.ResourceType, out.ResourceName = asked.ResourceType, asked.ResourceName
		out.ErrorCode, out.ErrorMessage = wireCode(errs[i]), message(errs[i])
		resp.Resources = append(resp.Resources, out)
	}
	return resp, nil
}

// submitConfigs returns an error, or nil, for each resource of the command.
func (h *Handler) submitConfigs(ctx context.Context, command controller.AlterConfigs) []error {
	errs := make([]error, len(command.Resources))
	result, err := submit[controller.AlterConfigsResult](ctx, h.Controller, command)
	for i := range errs {
		errs[i] = err
		if err == nil && result.Resources[i].Err != nil {
			errs[i] = result.Resources[i].Err
		}
	}
	return errs
}
