package settings

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// UnknownError says that no setting has a name. Reason is set where Kafka has
// the setting and chronik does not; Nearest where a name that exists is close.
type UnknownError struct {
	Scope   Scope
	Name    string
	Reason  string
	Nearest string
}

func (e *UnknownError) Error() string {
	kind := map[Scope]string{TopicScope: "topic ", GroupScope: "group "}[e.Scope]
	switch {
	case e.Reason != "":
		return fmt.Sprintf("%ssetting %s is not served by chronik: %s", kind, e.Name, e.Reason)
	case e.Nearest != "":
		return fmt.Sprintf("unknown %ssetting %s; did you mean %s?", kind, e.Name, e.Nearest)
	}
	return fmt.Sprintf("unknown %ssetting %s", kind, e.Name)
}

// ReadOnlyError says that settings exist but do not change while a broker runs.
type ReadOnlyError struct{ Names []string }

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("cannot update these configs dynamically: %s; set them in the broker's configuration and restart it",
		strings.Join(e.Names, ", "))
}

// ValidateTopic checks the settings of a topic: their names, their values, and
// those that hang together. The error of the first name in order is returned.
func ValidateTopic(values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		d, ok := LookupTopic(name)
		if !ok {
			return unknownTopic(name)
		}
		if err := d.Validate(values[name]); err != nil {
			return err
		}
	}
	return validateLags(values)
}

func validateLags(values map[string]string) error {
	low, hasLow := values["min.compaction.lag.ms"]
	high, hasHigh := values["max.compaction.lag.ms"]
	if !hasLow || !hasHigh {
		return nil
	}
	least, lowErr := strconv.ParseInt(strings.TrimSpace(low), 10, 64)
	most, highErr := strconv.ParseInt(strings.TrimSpace(high), 10, 64)
	if lowErr == nil && highErr == nil && least > most {
		return &ValueError{Name: "min.compaction.lag.ms",
			Problem: fmt.Sprintf("%d is above max.compaction.lag.ms, which is %d", least, most)}
	}
	return nil
}

func unknownTopic(name string) error {
	e := &UnknownError{Scope: TopicScope, Name: name}
	if reason, ok := lookupReason(unservedTopicTable[:], name); ok {
		e.Reason = reason
	} else {
		e.Nearest = Nearest(name, namesOf(topicTable[:]))
	}
	return e
}

// UnservedTopic gives the reason why chronik does not have one of Kafka's topic
// settings.
func UnservedTopic(name string) (reason string, ok bool) {
	return lookupReason(unservedTopicTable[:], name)
}

// ValidateDynamicBroker checks settings that somebody wants altered while the
// brokers run.
func ValidateDynamicBroker(values map[string]string) error {
	var readOnly []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		d, ok := LookupBroker(name)
		if !ok {
			return UnknownBroker(name)
		}
		if d.Update == ReadOnly {
			readOnly = append(readOnly, name)
			continue
		}
		if err := d.Validate(values[name]); err != nil {
			return err
		}
	}
	if len(readOnly) > 0 {
		return &ReadOnlyError{Names: readOnly}
	}
	return nil
}

// ValidateGroup checks the settings of a group, of which there are none yet.
func ValidateGroup(values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		e := &UnknownError{Scope: GroupScope, Name: name}
		e.Reason, _ = lookupReason(unservedGroupTable[:], name)
		return e
	}
	return nil
}

// UnknownBroker is the error for a name that no broker or process setting has that can
// be given at the start.
func UnknownBroker(name string) *UnknownError {
	e := &UnknownError{Scope: BrokerScope, Name: name}
	if d, ok := LookupBroker(name); ok && d.Update == DynamicOnly {
		e.Reason = "it is set while the brokers run, as kafka-configs and kafka-reassign-partitions do"
		return e
	}
	if reason, ok := UnusedReason(name); ok {
		e.Reason = reason
		return e
	}
	e.Nearest = Nearest(name, namesOf(brokerTable[:], processTable[:]))
	return e
}
