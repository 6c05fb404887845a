package settings

import (
	"slices"
	"strings"
)

// Type is the type of a setting's value; the numbers are Kafka's in
// DescribeConfigs.
type Type int8

// The types, with Kafka's wire numbers.
const (
	Boolean  Type = 1
	String   Type = 2
	Int      Type = 3
	Short    Type = 4
	Long     Type = 5
	Double   Type = 6
	List     Type = 7
	Class    Type = 8
	Password Type = 9
)

// String is Kafka's name for the type.
func (t Type) String() string {
	switch t {
	case Boolean:
		return "boolean"
	case String:
		return "string"
	case Int:
		return "int"
	case Short:
		return "short"
	case Long:
		return "long"
	case Double:
		return "double"
	case List:
		return "list"
	case Class:
		return "class"
	case Password:
		return "password"
	}
	return "unknown"
}

// Scope is what a setting belongs to.
type Scope int8

// The scopes.
const (
	TopicScope   Scope = iota + 1 // a topic's own settings
	BrokerScope                   // a broker's, and the defaults of topics
	GroupScope                    // a group's
	ProcessScope                  // the process's: never seen by a client
)

// Update is how a broker's setting may change while the broker runs. Topic and
// group settings may always change.
type Update int8

// The update modes, as Kafka names them.
const (
	ReadOnly    Update = iota // from file, environment and flags, at the start
	ClusterWide               // also through IncrementalAlterConfigs, for all brokers or for one
	DynamicOnly               // through IncrementalAlterConfigs alone, for all brokers or for one
)

// String is the mode as Kafka's documentation writes it.
func (u Update) String() string {
	switch u {
	case ReadOnly:
		return "read-only"
	case ClusterWide:
		return "cluster-wide"
	case DynamicOnly:
		return "cluster-wide, and only while the broker runs"
	}
	return "unknown"
}

// Definition describes one setting.
type Definition struct {
	Name  string
	Type  Type
	Scope Scope
	// Default is the value where nothing sets one; meaningless where Null is set.
	Default string
	// Null marks a setting whose default is Kafka's null: no value at all.
	Null      bool
	Update    Update
	Sensitive bool
	// PerListener marks a setting that a single listener may have a value of its own
	// for, as listener.name.<its name in lower case>.<Name>.
	PerListener bool
	// Doc says in a sentence or two what the setting does.
	Doc string
	// Fallbacks are the broker settings that give the value where Name itself
	// is not set, in order. A topic's setting ends in a broker's default.
	Fallbacks []string

	rule rule
}

// Topic lists the settings of topics, sorted by name. The slice is the
// caller's; what it points to is not.
func Topic() []Definition { return slices.Clone(topicTable[:]) }

// Broker lists the settings of brokers, sorted by name.
func Broker() []Definition { return slices.Clone(brokerTable[:]) }

// Group lists the settings of groups. Kafka's are all for the consumer, share
// and streams protocols; a classic group's member brings its own timeouts.
func Group() []Definition { return nil }

// Process lists chronik's own settings of the process, which have a flag, an
// environment variable and a name in the file, but are not shown to clients.
func Process() []Definition { return slices.Clone(processTable[:]) }

// LookupTopic finds a topic's setting.
func LookupTopic(name string) (*Definition, bool) { return find(topicTable[:], name) }

// LookupBroker finds a broker's setting.
func LookupBroker(name string) (*Definition, bool) { return find(brokerTable[:], name) }

// listenerPrefix begins the names of settings of a single listener.
const listenerPrefix = "listener.name."

// ListenerName is the name of a setting for one listener alone, as Kafka makes it.
func ListenerName(listener, setting string) string {
	return listenerPrefix + strings.ToLower(listener) + "." + setting
}

// LookupListener finds the setting that a name such as
// listener.name.internal.ssl.client.auth is of. Its Name is the whole of it.
func LookupListener(name string) (*Definition, bool) {
	rest, ok := strings.CutPrefix(name, listenerPrefix)
	if !ok {
		return nil, false
	}
	for _, d := range brokerTable {
		if listener, ok := strings.CutSuffix(rest, "."+d.Name); ok && d.PerListener && listener != "" {
			d.Name = name
			return &d, true
		}
	}
	return nil, false
}

// LookupProcess finds a setting of the process.
func LookupProcess(name string) (*Definition, bool) { return find(processTable[:], name) }

// find relies on the tables being sorted by name, which a test checks.
func find(table []Definition, name string) (*Definition, bool) {
	i, ok := slices.BinarySearchFunc(table, name, func(d Definition, name string) int {
		return strings.Compare(d.Name, name)
	})
	if !ok {
		return nil, false
	}
	return &table[i], true
}
