package controller

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/wire"
)

// topicNameMax is Kafka's: a partition's directory is its topic's name and up
// to six characters more, and file systems take 255.
const topicNameMax = 249

// metadataTopic is the name that the metadata log goes by in tools.
const metadataTopic = "__cluster_metadata"

// isInternal tells the topics that only coordinators write.
func isInternal(name string) bool {
	return name == "__consumer_offsets" || name == "__transaction_state"
}

// ValidTopicName reports whether a topic may have a name.
func ValidTopicName(name string) bool { return nameProblem(name) == "" }

func nameProblem(name string) string {
	switch {
	case name == "":
		return "the empty string is not allowed"
	case name == "." || name == "..":
		return "'.' or '..' is not allowed"
	case len(name) > topicNameMax:
		return "the length of the name is longer than the max allowed length 249"
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return "it contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
		}
	}
	return ""
}

// checkNewName refuses a name that is not valid, or that a topic has already.
func checkNewName(image *meta.Image, name string) *wire.Error {
	if problem := nameProblem(name); problem != "" {
		return wire.Errorf(kerr.InvalidTopicException, "topic name %q is invalid: %s", name, problem)
	}
	if name == metadataTopic {
		return wire.Errorf(kerr.InvalidRequest, "creation of internal topic %s is prohibited", name)
	}
	other := image.Topics.Colliding(name)
	switch {
	case other == nil:
		return nil
	case other.Name == name:
		return wire.Errorf(kerr.TopicAlreadyExists, "Topic '%s' already exists.", name)
	}
	return collides(name, other.Name)
}

// collides is Kafka's refusal of names that differ in '.' and '_' only: its
// metrics cannot tell such topics apart.
func collides(name, other string) *wire.Error {
	return wire.Errorf(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", name, other)
}
