package controller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/wire"
)

// CommandBytesMax bounds a command on its way to another node, and its result.
const CommandBytesMax = 16 << 20

// Commands and results travel as JSON, under the name of their type. What a node does
// not know, be it a name or a field, it refuses: a command that has lost a field on
// its way is another command. Text that is not UTF-8 has its bad bytes replaced, as
// it has in Kafka.
type tagged struct {
	Type    string          `json:",omitempty"`
	Body    json.RawMessage `json:",omitempty"`
	Refused *wire.Error     `json:",omitempty"` // a result in place of the others
}

var (
	errCommand = errors.New("malformed command")
	errResult  = errors.New("malformed result of a command")
)

// decoders are how to decode a value of a type, by the type's name.
type decoders map[string]func(body []byte) (any, error)

// commandTypes are all commands.
var commandTypes = decoders{
	"AdvanceReassignments": decode[AdvanceReassignments],
	"AllocateProducerIDs":  decode[AllocateProducerIDs],
	"AlterConfigs":         decode[AlterConfigs],
	"AlterISR":             decode[AlterISR],
	"AlterReassignments":   decode[AlterReassignments],
	"CreatePartitions":     decode[CreatePartitions],
	"CreateTopics":         decode[CreateTopics],
	"DeleteTopics":         decode[DeleteTopics],
	"ElectLeaders":         decode[ElectLeaders],
	"PreferLeaders":        decode[PreferLeaders],
	"FenceBroker":          decode[FenceBroker],
	"InitCluster":          decode[InitCluster],
	"LeaveBroker":          decode[LeaveBroker],
	"RegisterBroker":       decode[RegisterBroker],
	"UnfenceBroker":        decode[UnfenceBroker],
	"UnregisterBroker":     decode[UnregisterBroker],
}

// resultTypes are what they result in.
var resultTypes = decoders{
	"AlterConfigsResult":     decode[AlterConfigsResult],
	"BrokerChanged":          decode[BrokerChanged],
	"CreatePartitionsResult": decode[CreatePartitionsResult],
	"CreateTopicsResult":     decode[CreateTopicsResult],
	"DeleteTopicsResult":     decode[DeleteTopicsResult],
	"ISRsAltered":            decode[ISRsAltered],
	"InitializedCluster":     decode[InitializedCluster],
	"LeadersElected":         decode[LeadersElected],
	"LeadersPreferred":       decode[LeadersPreferred],
	"ProducerIDs":            decode[ProducerIDs],
	"ReassignmentsAdvanced":  decode[ReassignmentsAdvanced],
	"ReassignmentsAltered":   decode[ReassignmentsAltered],
	"RegisteredBroker":       decode[RegisteredBroker],
}

// EncodeCommand is what DecodeCommand reads. A command that is too large to be sent
// is refused with a *wire.Error.
func EncodeCommand(c Command) ([]byte, error) {
	b, err := commandTypes.encode(c)
	if err == nil && len(b) > CommandBytesMax {
		return nil, wire.Errorf(kerr.InvalidRequest,
			"%s has %d bytes, and the controller takes %d: send several requests", c.Name(), len(b), CommandBytesMax)
	}
	return b, err
}

// DecodeCommand reads a command that another node has sent. No slice of it refers to b.
func DecodeCommand(b []byte) (Command, error) {
	t, err := decodeTagged(b)
	if err == nil && t.Refused != nil {
		err = errors.New("it is a refusal")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCommand, err)
	}
	c, err := commandTypes.decode(t)
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
	b, err := resultTypes.encode(result)
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
	if err == nil {
		result, err = resultTypes.decode(t)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errResult, err)
	}
	return result, nil
}

func (d decoders) encode(v any) ([]byte, error) {
	name := typeName(v)
	if d[name] == nil {
		return nil, fmt.Errorf("%T cannot be sent to another node", v)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(tagged{Type: name, Body: body})
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

func (d decoders) decode(t tagged) (any, error) {
	f := d[t.Type]
	if f == nil {
		return nil, fmt.Errorf("type %.100q is not known", t.Type)
	}
	return f(t.Body)
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
