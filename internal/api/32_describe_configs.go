package api

import (
	"context"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/wire"
)

// DescribeConfigs (key 32), v1–v4.
//
// Behaviour: the settings of topics, brokers and groups with value, source, type,
// documentation and synonyms. The empty broker name is the default for all
// brokers, and lists only what has been altered.
// Versions: v1 source and synonyms (KIP-226); v3 type and documentation
// (KIP-569); v4 flexible.

func (h *Handler) describeConfigs(_ context.Context, _ *server.Request, r *kmsg.DescribeConfigsRequest) (kmsg.Response, error) {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	image := h.Image()
	for _, asked := range r.Resources {
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = asked.ResourceType, asked.ResourceName
		all, err := h.effective(image, meta.Resource{Type: meta.ResourceType(asked.ResourceType), Name: asked.ResourceName})
		out.ErrorCode, out.ErrorMessage = wireCode(err), message(err)
		for _, e := range all {
			if len(asked.ConfigNames) == 0 || slices.Contains(asked.ConfigNames, e.Name) {
				out.Configs = append(out.Configs, describeSetting(r, asked.ResourceType, e))
			}
		}
		resp.Resources = append(resp.Resources, out)
	}
	return resp, nil
}

// effective resolves the settings of a resource.
func (h *Handler) effective(image *meta.Image, resource meta.Resource) ([]settings.Effective, error) {
	switch resource.Type {
	case meta.TopicResource:
		topic, err := resolveNamed(image, resource.Name)
		if err != nil {
			return nil, err
		}
		return h.topicLayers(image, topic).TopicSettings(), nil
	case meta.BrokerResource:
		return h.effectiveBroker(image, resource.Name)
	case meta.GroupResource:
		if resource.Name == "" {
			return nil, wire.Errorf(kerr.InvalidRequest, "a group has a name")
		}
		return nil, nil // settings.Group is empty: see there
	}
	return nil, wire.Errorf(kerr.InvalidRequest, "resources of type %d have no settings here", resource.Type)
}

func (h *Handler) effectiveBroker(image *meta.Image, name string) ([]settings.Effective, error) {
	if name == "" {
		layers := settings.Layers{BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource})}
		return slices.DeleteFunc(layers.BrokerSettings(), func(e settings.Effective) bool {
			return e.Source != settings.FromBrokerDefault
		}), nil
	}
	if name != strconv.Itoa(int(h.Node)) {
		return nil, wire.Errorf(kerr.InvalidRequest, "this is broker %d: ask broker %s itself for its settings", h.Node, name)
	}
	return h.brokerLayers(image, h.Node).BrokerSettings(), nil
}

func describeSetting(r *kmsg.DescribeConfigsRequest, resource kmsg.ConfigResourceType, e settings.Effective) kmsg.DescribeConfigsResponseResourceConfig {
	out := kmsg.NewDescribeConfigsResponseResourceConfig()
	out.Name, out.Value, out.IsSensitive = e.Name, shownValue(e), e.Sensitive
	out.ReadOnly = resource == kmsg.ConfigResourceTypeBroker && e.Update == settings.ReadOnly
	out.Source = kmsg.ConfigSource(e.Source)
	out.IsDefault = e.Source == settings.FromDefault
	out.ConfigType = kmsg.ConfigType(e.Type)
	if r.IncludeDocumentation {
		out.Documentation = kmsg.StringPtr(e.Doc)
	}
	if !r.IncludeSynonyms {
		return out
	}
	for _, s := range e.Synonyms {
		synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		synonym.Name, synonym.Source = s.Name, kmsg.ConfigSource(s.Source)
		if !e.Sensitive {
			synonym.Value = kmsg.StringPtr(s.Value)
		}
		out.ConfigSynonyms = append(out.ConfigSynonyms, synonym)
	}
	return out
}
