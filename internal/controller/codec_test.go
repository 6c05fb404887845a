package controller

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

// commandDecoders is commandTypes without the versions.
func commandDecoders() resultTable {
	decoders := make(resultTable)
	for name, known := range commandTypes {
		decoders[name] = known.decode
	}
	return decoders
}

// zeros are values of each type that a table knows.
func zeros(t testing.TB, d resultTable) map[string]any {
	t.Helper()
	values := make(map[string]any)
	for name, decode := range d {
		v, err := decode([]byte("{}"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if typeName(v) != name {
			t.Errorf("%T is called %s", v, name)
		}
		values[name] = v
	}
	return values
}

// Goal: whoever adds a command adds it to the codec. Method: the types that have a
// Decide are looked for in the sources.
func TestEveryCommandCanBeSent(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range f.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok && function.Name.Name == "Decide" {
				found = append(found, function.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	slices.Sort(found)
	if known := slices.Sorted(maps.Keys(commandTypes)); !slices.Equal(found, known) {
		t.Errorf("commands are %v, and those that can be sent %v", found, known)
	}
	for name, v := range zeros(t, commandDecoders()) {
		if c := v.(Command); c.Name() != name {
			t.Errorf("%T is called %s", v, c.Name())
		}
	}
}

// Goal: nothing is lost on the way, of any field, nor whether a list is nil or empty.
func TestCommandsAndResultsSurviveTheirBytes(t *testing.T) {
	commands, results := zeros(t, commandDecoders()), zeros(t, resultTypes)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(commands))).Draw(t, "command")
		command := filled(t, reflect.TypeOf(commands[name])).(Command)
		checkCommandSurvives(t, command)
		name = rapid.SampledFrom(slices.Sorted(maps.Keys(results))).Draw(t, "result")
		checkResultSurvives(t, filled(t, reflect.TypeOf(results[name])))
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkCommandSurvives(t fataler, command Command) {
	t.Helper()
	b, _, err := EncodeCommand(command, model.NewestProtocol)
	if err != nil {
		t.Fatalf("%s: %v", command.Name(), err)
	}
	got, err := DecodeCommand(b)
	if err != nil || !reflect.DeepEqual(got, command) {
		t.Fatalf("%s: %v: %+v became %+v by way of %s", command.Name(), err, command, got, b)
	}
}

func checkResultSurvives(t fataler, result any) {
	t.Helper()
	b, err := EncodeResult(result, nil)
	if err != nil {
		t.Fatalf("%T: %v", result, err)
	}
	got, err := DecodeResult(b)
	if err != nil || !reflect.DeepEqual(got, result) {
		t.Fatalf("%T: %v: %+v became %+v by way of %s", result, err, result, got, b)
	}
}

// filled is a value of a type with anything in it.
func filled(t *rapid.T, typ reflect.Type) any {
	v := reflect.New(typ).Elem()
	fill(t, v)
	return v.Interface()
}

func fill(t *rapid.T, v reflect.Value) {
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		var address [4]byte
		copy(address[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4(address), rapid.IntRange(0, 32).Draw(t, "bits"))))
		return
	}
	lengths := func() int { return rapid.IntRange(-1, 2).Draw(t, "length") } // -1: nil
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Slice:
		if n := lengths(); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i))
			}
		}
	case reflect.Map:
		n := lengths()
		if n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
		}
		for range n {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key)
			fill(t, value)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		shift := 64 - v.Type().Bits()
		v.SetInt(rapid.Int64().Draw(t, "number") >> shift)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		shift := 64 - v.Type().Bits()
		v.SetUint(rapid.Uint64().Draw(t, "number") >> shift)
	default:
		t.Fatalf("do not know how to fill a %s", v.Type())
	}
}

func TestARefusalSurvivesItsBytes(t *testing.T) {
	refused := wire.Errorf(kerr.StaleBrokerEpoch, "broker %d is registered with epoch %d, not %d", 1, 5, 4)
	b, err := EncodeResult(nil, refused)
	if err != nil {
		t.Fatal(err)
	}
	result, err := DecodeResult(b)
	if e, ok := errors.AsType[*wire.Error](err); !ok || *e != *refused || result != nil {
		t.Fatal(result, err)
	}
	other := errors.New("no leader is known")
	if b, err := EncodeResult(nil, other); err != other || b != nil {
		t.Fatal(b, err)
	}
}

type unheardOf struct{ InitCluster }

func TestWhatIsNotKnownIsRefused(t *testing.T) {
	if _, _, err := EncodeCommand(unheardOf{}, model.NewestProtocol); err == nil {
		t.Error("a command that is in no table was encoded")
	}
	for _, result := range []any{nil, 5, InitCluster{}} {
		if _, err := EncodeResult(result, nil); err == nil {
			t.Errorf("%T was encoded as a result", result)
		}
	}
	for _, b := range []string{
		``, `null`, `{}`, `[]`, `{"Type":"Nothing","Body":{}}`, `{"Type":"InitCluster"}`, `{"Type":"ProducerIDs","Body":{}}`,
		`{"Type":"InitCluster","Body":{"ID":"c","More":1}}`, `{"Type":"InitCluster","Body":{"ID":"c"},"More":1}`,
		`{"Type":"InitCluster","Body":{"ID":"c"}} {}`, `{"Type":"InitCluster","Body":{"ID":5}}`, `{"Type":"InitCluster","Body":{"ID":"c"}`,
		`{"Refused":{"Code":3}}`,
	} {
		if c, err := DecodeCommand([]byte(b)); err == nil {
			t.Errorf("%s is %+v", b, c)
		}
	}
	for _, b := range []string{``, `{}`, `{"Type":"InitCluster","Body":{"ID":"c"}}`, `{"Type":"BrokerChanged","Body":{"ID":1}}`} {
		if result, err := DecodeResult([]byte(b)); !errors.Is(err, errResult) {
			t.Errorf("%s is %+v, %v", b, result, err)
		}
	}
}

func TestACommandThatIsTooLargeIsRefused(t *testing.T) {
	value := strings.Repeat("v", CommandBytesMax)
	_, _, err := EncodeCommand(AlterConfigs{Resources: []AlterResource{{Ops: []ConfigOp{{Name: "n", Value: &value}}}}}, model.NewestProtocol)
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.CodeOf(kerr.InvalidRequest) {
		t.Fatal(err)
	}
	if _, err := DecodeCommand(make([]byte, CommandBytesMax+1)); !errors.Is(err, errCommand) {
		t.Fatal(err)
	}
}

// What can be decoded is encoded as the same.
func FuzzDecodeCommand(f *testing.F) {
	for _, v := range zeros(f, commandDecoders()) {
		b, _, err := EncodeCommand(v.(Command), model.NewestProtocol)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"Type":"CreateTopics","Body":{"Topics":[{"Name":"t","Assignments":{"0":[1,2],"1":null},"Configs":{"a":"b","c":null}}]}}`))
	f.Add([]byte(`{"Type":"AlterISR","Body":{"Changes":[{"Topic":[1,2,3],"ISR":[{"Node":1,"BrokerEpoch":9}],"Lost":[]}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if command, err := DecodeCommand(b); err == nil {
			checkCommandSurvives(t, command)
		}
	})
}

func FuzzDecodeResult(f *testing.F) {
	for _, v := range zeros(f, resultTypes) {
		b, err := EncodeResult(v, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"Refused":{"Code":42,"Message":"m"}}`))
	f.Add([]byte(`{"Type":"CreateTopicsResult","Body":{"Topics":[{"Name":"t","ID":[1],"Configs":{},"Err":{"Code":3}}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		result, err := DecodeResult(b)
		if refused, ok := errors.AsType[*wire.Error](err); ok {
			if b, err = EncodeResult(nil, refused); err != nil {
				t.Fatal(err)
			}
			if _, err = DecodeResult(b); !reflect.DeepEqual(err, error(refused)) {
				t.Fatalf("%+v became %v", refused, err)
			}
		} else if err == nil {
			checkResultSurvives(t, result)
		}
	})
}
