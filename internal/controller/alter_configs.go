package controller

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/settings"
	"github.com/chronik/chronik/internal/wire"
)

// valueBytesMax is Kafka's limit on the value of a setting.
const valueBytesMax = 32767

// AlterConfigs alters the settings of resources, of each by itself: all its
// changes happen or none.
type AlterConfigs struct {
	Resources []AlterResource
	// Replace: the settings that a resource's Ops do not set are removed, and
	// all Ops have to be SetConfig (Kafka's older AlterConfigs).
	Replace      bool
	ValidateOnly bool
}

// AlterResource says what to alter of one resource.
type AlterResource struct {
	Resource meta.Resource
	Ops      []ConfigOp
}

// ConfigOpType is what to do with a setting; the numbers are Kafka's (KIP-339).
type ConfigOpType int8

// The operations. Appending and subtracting are for lists.
const (
	SetConfig ConfigOpType = iota
	DeleteConfig
	AppendConfig
	SubtractConfig
)

// ConfigOp alters one setting. DeleteConfig has no Value.
type ConfigOp struct {
	Name  string
	Op    ConfigOpType
	Value *string
}

// AlterConfigsResult has an item for each resource of the command, in its order.
type AlterConfigsResult struct{ Resources []AlteredResource }

// AlteredResource is whether a resource's settings were altered.
type AlteredResource struct {
	Resource meta.Resource
	Err      *wire.Error
}

// Name implements Command.
func (AlterConfigs) Name() string { return "AlterConfigs" }

// Decide implements Command.
func (c AlterConfigs) Decide(image *meta.Image, env Env) ([]meta.Record, any, error) {
	result := AlterConfigsResult{Resources: make([]AlteredResource, len(c.Resources))}
	repeats := repeated(c.Resources, func(r AlterResource) meta.Resource { return r.Resource })
	var records []meta.Record
	for i := range c.Resources {
		r := &c.Resources[i]
		result.Resources[i].Resource = r.Resource
		if repeats[r.Resource] {
			result.Resources[i].Err = wire.Errorf(kerr.InvalidRequest, "Each resource must appear at most once.")
			continue
		}
		of, err := c.alter(image, r)
		result.Resources[i].Err = err
		records = append(records, of...)
		if slices.ContainsFunc(of, decidesFlush) {
			records = append(records, flushChange(image, r.Resource, env.Index))
		}
	}
	if c.ValidateOnly {
		records = nil
	}
	return records, result, nil
}

func (c AlterConfigs) alter(image *meta.Image, r *AlterResource) ([]meta.Record, *wire.Error) {
	resource, err := checkResource(image, r.Resource)
	if err != nil {
		return nil, err
	}
	if twice := repeated(r.Ops, func(o ConfigOp) string { return o.Name }); len(twice) > 0 {
		return nil, wire.Errorf(kerr.InvalidRequest, "Error due to duplicate config keys: %s",
			strings.Join(slices.Sorted(maps.Keys(twice)), ", "))
	}
	before := image.Configs.Of(resource)
	after := maps.Clone(before)
	if after == nil || c.Replace {
		after = make(map[string]string)
	}
	for _, op := range r.Ops {
		if c.Replace && op.Op != SetConfig {
			return nil, wire.Errorf(kerr.InvalidRequest, "Unsupported operation %d for %s.", op.Op, op.Name)
		}
		if err := op.perform(resource.Type, after); err != nil {
			return nil, err
		}
	}
	if err := checkSettings(resource.Type, after, before); err != nil {
		return nil, err
	}
	return configRecords(resource, before, after), nil
}

// checkResource is the resource under the name that its settings are kept by.
func checkResource(image *meta.Image, r meta.Resource) (meta.Resource, *wire.Error) {
	switch r.Type {
	case meta.TopicResource:
		if nameProblem(r.Name) != "" {
			return r, wire.Errorf(kerr.InvalidTopicException, "topic name %q is invalid: %s", r.Name, nameProblem(r.Name))
		}
		if image.Topics.ByName(r.Name) == nil {
			return r, unknownTopic(r.Name)
		}
	case meta.BrokerResource:
		if r.Name == "" {
			return r, nil
		}
		node, err := strconv.ParseInt(r.Name, 10, 32)
		if err != nil {
			return r, wire.Errorf(kerr.InvalidRequest, "Node id must be an integer, but it is: %q", r.Name)
		}
		if image.Brokers.ByID(model.NodeID(node)) == nil {
			return r, wire.Errorf(kerr.BrokerIDNotRegistered, "No broker with id %d found.", node)
		}
		r.Name = strconv.FormatInt(node, 10)
	case meta.GroupResource:
		if r.Name == "" {
			return r, wire.Errorf(kerr.InvalidRequest, "Default group resources are not allowed.")
		}
	default:
		return r, wire.Errorf(kerr.InvalidRequest, "Settings of resource type %d cannot be altered.", r.Type)
	}
	return r, nil
}

// perform changes values as the operation says.
func (o ConfigOp) perform(t meta.ResourceType, values map[string]string) *wire.Error {
	if o.Name == "" {
		return wire.Errorf(kerr.InvalidRequest, "A setting without a name.")
	}
	if o.Op == DeleteConfig {
		delete(values, o.Name)
		return nil
	}
	if o.Value == nil {
		return wire.Errorf(kerr.InvalidRequest, "Null value not supported for: %s", o.Name)
	}
	value := *o.Value
	switch o.Op {
	case SetConfig:
	case AppendConfig, SubtractConfig:
		items, err := listItems(t, o, values)
		if err != nil {
			return err
		}
		value = strings.Join(changeList(items, settings.SplitList(value), o.Op == AppendConfig), ",")
	default:
		return wire.Errorf(kerr.InvalidRequest, "Unknown operation %d for %s.", o.Op, o.Name)
	}
	if err := checkValueSize(o.Name, value); err != nil {
		return err
	}
	values[o.Name] = value
	return nil
}

// listItems is what a list holds before it is changed: its own value, or the
// setting's default.
func listItems(t meta.ResourceType, o ConfigOp, values map[string]string) ([]string, *wire.Error) {
	var d *settings.Definition
	var ok bool
	if t == meta.BrokerResource {
		d, ok = settings.LookupBroker(o.Name)
	} else if t == meta.TopicResource {
		d, ok = settings.LookupTopic(o.Name)
	}
	if ok && d.Type != settings.List {
		verb := "append to"
		if o.Op == SubtractConfig {
			verb = "subtract from"
		}
		return nil, wire.Errorf(kerr.InvalidConfig, "Can't %s key %s because its type is not LIST.", verb, o.Name)
	}
	if value, set := values[o.Name]; set {
		return settings.SplitList(value), nil
	}
	if ok && !d.Null {
		return settings.SplitList(d.Default), nil
	}
	return nil, nil
}

func changeList(items, change []string, add bool) []string {
	for _, item := range change {
		switch i := slices.Index(items, item); {
		case add && i < 0:
			items = append(items, item)
		case !add && i >= 0:
			items = slices.Delete(items, i, i+1)
		}
	}
	return items
}

func checkValueSize(name, value string) *wire.Error {
	if len(value) > valueBytesMax {
		return wire.Errorf(kerr.InvalidConfig,
			"The value of %s has %d bytes, which exceeds the maximum of %d.", name, len(value), valueBytesMax)
	}
	return nil
}

// checkSettings checks all values together, except that a name that is not
// served any more, and was set by an earlier version, does not stand in the way
// of changing the others.
func checkSettings(t meta.ResourceType, after, before map[string]string) *wire.Error {
	check := maps.Clone(after)
	if t == meta.TopicResource {
		maps.DeleteFunc(check, func(name, value string) bool {
			_, known := settings.LookupTopic(name)
			old, was := before[name]
			return !known && was && old == value
		})
	}
	var err error
	switch t {
	case meta.TopicResource:
		err = settings.ValidateTopic(check)
	case meta.BrokerResource:
		err = settings.ValidateDynamicBroker(check)
	case meta.GroupResource:
		err = settings.ValidateGroup(check)
	}
	if readOnly := (*settings.ReadOnlyError)(nil); errors.As(err, &readOnly) {
		return wire.Errorf(kerr.InvalidRequest, "%s", err)
	}
	if err != nil {
		return wire.Errorf(kerr.InvalidConfig, "%s", err)
	}
	return nil
}

func configRecords(r meta.Resource, before, after map[string]string) []meta.Record {
	var records []meta.Record
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, keep := after[name]; !keep {
			records = append(records, &meta.ConfigRecord{Resource: r, Name: name, Remove: true})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if old, was := before[name]; !was || old != after[name] {
			records = append(records, &meta.ConfigRecord{Resource: r, Name: name, Value: after[name]})
		}
	}
	return records
}

func decidesFlush(r meta.Record) bool {
	c, ok := r.(*meta.ConfigRecord)
	return ok && settings.DecidesFlush(c.Name)
}

// flushChange notes when it was last altered what is synced before it is
// acknowledged: RegisterBroker has to know.
func flushChange(image *meta.Image, r meta.Resource, index uint64) meta.Record {
	change := &meta.FlushChangeRecord{Index: index}
	if r.Type == meta.TopicResource {
		change.Topic = image.Topics.ByName(r.Name).ID
	}
	return change
}
