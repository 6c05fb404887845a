package controller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// CommandBytesMax bounds a command on its way to another node, and its result.
const CommandBytesMax = 16 << 20

// Commands and results travel as JSON, under the name of their type. What a node does
// not know, be it a name or a field, it refuses: a command that has lost a field on
// its way is another command. So what came with a version of the protocol between nodes
// is sent to those only that speak it: a field that was added has the tag omitzero, and
// the command implements grown. A result has a field that was added only where the
// command has one. Text that is not UTF-8 has its bad bytes replaced, as it has in Kafka.
type tagged struct {
	Type    string          `json:",omitempty"`
	Body    json.RawMessage `json:",omitempty"`
	Refused *wire.Error     `json:",omitempty"` // a result in place of the others
}

var (
	errCommand = errors.New("malformed command")
	errResult  = errors.New("malformed result of a command")
)

// decoder decodes a value of a type.
type decoder func(body []byte) (any, error)

// commandTable and resultTable are by the type's name.
type (
	commandTable map[string]commandType
	resultTable  map[string]decoder
)

type commandType struct {
	since  model.Protocol
	decode decoder
}

// commandTypes are all commands, each with the version of the protocol that it came
// with.
var commandTypes = commandTable{
	"AdvanceReassignments": {model.Protocol1, decode[AdvanceReassignments]},
	"AllocateProducerIDs":  {model.Protocol1, decode[AllocateProducerIDs]},
	"AlterConfigs":         {model.Protocol1, decode[AlterConfigs]},
	"AlterISR":             {model.Protocol1, decode[AlterISR]},
	"AlterReassignments":   {model.Protocol1, decode[AlterReassignments]},
	"CreatePartitions":     {model.Protocol1, decode[CreatePartitions]},
	"CreateTopics":         {model.Protocol1, decode[CreateTopics]},
	"DeleteTopics":         {model.Protocol1, decode[DeleteTopics]},
	"ElectLeaders":         {model.Protocol1, decode[ElectLeaders]},
	"ElectUncleanly":       {model.Protocol2, decode[ElectUncleanly]},
	"PreferLeaders":        {model.Protocol1, decode[PreferLeaders]},
	"FenceBroker":          {model.Protocol1, decode[FenceBroker]},
	"InitCluster":          {model.Protocol1, decode[InitCluster]},
	"LeaveBroker":          {model.Protocol1, decode[LeaveBroker]},
	"RegisterBroker":       {model.Protocol1, decode[RegisterBroker]},
	"UpdateFeatures":       {model.Protocol2, decode[UpdateFeatures]},
	"UnfenceBroker":        {model.Protocol1, decode[UnfenceBroker]},
	"UnregisterBroker":     {model.Protocol1, decode[UnregisterBroker]},
}

// resultTypes are what they result in.
var resultTypes = resultTable{
	"AlterConfigsResult":     decode[AlterConfigsResult],
	"BrokerChanged":          decode[BrokerChanged],
	"CreatePartitionsResult": decode[CreatePartitionsResult],
	"CreateTopicsResult":     decode[CreateTopicsResult],
	"DeleteTopicsResult":     decode[DeleteTopicsResult],
	"ISRsAltered":            decode[ISRsAltered],
	"FeaturesUpdated":        decode[FeaturesUpdated],
	"InitializedCluster":     decode[InitializedCluster],
	"LeadersElected":         decode[LeadersElected],
	"LeadersPreferred":       decode[LeadersPreferred],
	"ProducerIDs":            decode[ProducerIDs],
	"ReassignmentsAdvanced":  decode[ReassignmentsAdvanced],
	"ReassignmentsAltered":   decode[ReassignmentsAltered],
	"RegisteredBroker":       decode[RegisteredBroker],
	"UncleanlyElecting":      decode[UncleanlyElecting],
}

// grown is a command with fields that came after its type.
type grown interface {
	// since is the version of the protocol that has all fields that are set.
	since() model.Protocol
	// before is the command without the fields that came with a version or later, for a
	// node that does not know them; as it is, where it means nothing without them.
	before(model.Protocol) Command
}

// sinceOf is the first version of the protocol that has a command as it is.
func sinceOf(c Command) model.Protocol {
	since := commandTypes[typeName(c)].since
	if g, ok := c.(grown); ok {
		since = max(since, g.since())
	}
	return since
}

// EncodeCommand is what DecodeCommand reads at a node that speaks a version of the
// protocol; since is the first that has all that is in it. A command that the version
// does not have, or that is too large to be sent, is refused with a *wire.Error.
func EncodeCommand(c Command, speaks model.Protocol) (b []byte, since model.Protocol, err error) {
	since = sinceOf(c)
	if g, ok := c.(grown); ok && since > speaks {
		c = g.before(speaks + 1)
		since = sinceOf(c)
	}
	if since > speaks {
		return nil, since, wire.Errorf(kerr.UnsupportedVersion,
			"%s is not known to the node that is the active controller, which runs an earlier release: start a later one there", c.Name())
	}
	b, err = encodeTagged(commandTypes[typeName(c)].decode != nil, c)
	if err == nil && len(b) > CommandBytesMax {
		err = wire.Errorf(kerr.InvalidRequest,
			"%s has %d bytes, and the controller takes %d: send several requests", c.Name(), len(b), CommandBytesMax)
	}
	return b, since, err
}

// DecodeCommand reads a command that another node has sent. No slice of it refers to b.
// A command of a later build is refused with a *wire.Error.
func DecodeCommand(b []byte) (Command, error) {
	t, err := decodeTagged(b)
	if err == nil && t.Refused != nil {
		err = errors.New("it is a refusal")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCommand, err)
	}
	decode := commandTypes[t.Type].decode
	if decode == nil {
		return nil, wire.Errorf(kerr.UnsupportedVersion, "the node that is the active controller does not know the command %.100q: start a later release there", t.Type)
	}
	c, err := decode(t.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCommand, err)
	}
	return c.(Command), nil
}

// EncodeResult encodes what became of a command: the result, or the *wire.Error that
// refused it. Any other err it returns as it is.
func EncodeResult(result any, err error) ([]byte, error) {
	if refused, ok := errors.AsType[*wire.Error](err); ok {
		return json.Marshal(tagged{Refused: refused})
	}
	if err != nil {
		return nil, err
	}
	b, err := encodeTagged(resultTypes[typeName(result)] != nil, result)
	if err == nil && len(b) > CommandBytesMax {
		return nil, fmt.Errorf("the result %T has %d bytes, and %d can be sent", result, len(b), CommandBytesMax)
	}
	return b, err
}

// DecodeResult reads what EncodeResult has written. The error is a *wire.Error where
// the command was refused, and another where b is no result.
func DecodeResult(b []byte) (any, error) {
	t, err := decodeTagged(b)
	if err == nil && t.Refused != nil {
		return nil, t.Refused
	}
	var result any
	if decode := resultTypes[t.Type]; err == nil && decode == nil {
		err = fmt.Errorf("type %.100q is not known", t.Type)
	} else if err == nil {
		result, err = decode(t.Body)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errResult, err)
	}
	return result, nil
}

func encodeTagged(known bool, v any) ([]byte, error) {
	if !known {
		return nil, fmt.Errorf("%T cannot be sent to another node", v)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(tagged{Type: typeName(v), Body: body})
}

// typeName is "" where there is no name.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t == nil {
		return ""
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

func decodeTagged(b []byte) (tagged, error) {
	if len(b) > CommandBytesMax {
		return tagged{}, fmt.Errorf("%d bytes, at most %d", len(b), CommandBytesMax)
	}
	var t tagged
	return t, strictly(b, &t)
}

func decode[T any](body []byte) (any, error) {
	var v T
	err := strictly(body, &v)
	return v, err
}

// strictly decodes one value and nothing else.
func strictly(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}
