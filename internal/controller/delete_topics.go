package controller

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// DeleteTopics deletes topics, each by itself, with their settings.
type DeleteTopics struct{ Topics []DeleteTopic }

// DeleteTopic names a topic by its name or by its id.
type DeleteTopic struct {
	Name string
	ID   model.TopicID // counts where Name is ""
}

// DeleteTopicsResult has an item for each topic of the command, in its order.
type DeleteTopicsResult struct{ Topics []DeletedTopic }

// DeletedTopic is what was deleted, or Err; with Err only what the command named
// is set.
type DeletedTopic struct {
	Name string
	ID   model.TopicID
	Err  *wire.Error
}

// Name implements Command.
func (DeleteTopics) Name() string { return "DeleteTopics" }

// Decide implements Command.
func (c DeleteTopics) Decide(image *meta.Image, _ Env) ([]meta.Record, any, error) {
	result := DeleteTopicsResult{Topics: make([]DeletedTopic, len(c.Topics))}
	found := make([]*meta.Topic, len(c.Topics))
	times := make(map[model.TopicID]int)
	for i, t := range c.Topics {
		found[i], result.Topics[i] = findTopic(image, t)
		if found[i] != nil {
			times[found[i].ID]++
		}
	}
	var records []meta.Record
	for i, t := range found {
		switch {
		case t == nil:
		case times[t.ID] > 1:
			result.Topics[i].Err = wire.Errorf(kerr.InvalidRequest, "Topic '%s' is named more than once.", t.Name)
		default:
			records = append(records, &meta.RemoveTopicRecord{ID: t.ID})
		}
	}
	return records, result, nil
}

func findTopic(image *meta.Image, t DeleteTopic) (*meta.Topic, DeletedTopic) {
	out := DeletedTopic{Name: t.Name, ID: t.ID}
	switch {
	case t.Name != "" && !t.ID.IsZero():
		out.Err = wire.Errorf(kerr.InvalidRequest, "Topic '%s' is named by its id too; give one of the two.", t.Name)
		return nil, out
	case t.Name != "":
		if topic := image.Topics.ByName(t.Name); topic != nil {
			return topic, DeletedTopic{Name: topic.Name, ID: topic.ID}
		}
		out.Err = unknownTopic(t.Name)
		return nil, out
	}
	if topic := image.Topics.ByID(t.ID); topic != nil {
		return topic, DeletedTopic{Name: topic.Name, ID: topic.ID}
	}
	out.Err = wire.Errorf(kerr.UnknownTopicID, "There is no topic with id %s.", t.ID)
	return nil, out
}

func unknownTopic(name string) *wire.Error {
	return wire.Errorf(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", name)
}
