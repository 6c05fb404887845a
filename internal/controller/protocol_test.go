package controller

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/wire"
)

var update = flag.Bool("update", false, "write the files of bytes anew")

// sample fills a value, always with the same, so that no field has its zero value.
func sample(v reflect.Value) {
	if v.Type() == reflect.TypeFor[netip.Prefix]() {
		v.Set(reflect.ValueOf(netip.MustParsePrefix("10.0.0.1/24")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			sample(v.Field(i))
		}
	case reflect.Array:
		sample(v.Index(0))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		sample(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		sample(key)
		sample(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		sample(v.Elem())
	case reflect.String:
		v.SetString("s")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(2)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(2)
	default:
		panic("do not know how to fill a " + v.Type().String())
	}
}

// sampled is a value of the type of another, filled.
func sampled(zero any) any {
	v := reflect.New(reflect.TypeOf(zero)).Elem()
	sample(v)
	return v.Interface()
}

// matches compares lines with a file, or writes it.
func matches(t *testing.T, file, lines, otherwise string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if lines != string(want) {
		t.Errorf("%s has\n%s\nand now it is\n%s\n%s", path, want, lines, otherwise)
	}
}

// The files hold every command's bytes, as sent to a node that speaks each version of
// the protocol. Those of a version that has been released stay as they are.
func TestBytesOfCommands(t *testing.T) {
	commands := zeros(t, commandDecoders())
	for speaks := model.OldestProtocol; speaks <= model.NewestProtocol; speaks++ {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(commands)) {
			body, since, err := EncodeCommand(sampled(commands[name]).(Command), speaks)
			if refused, ok := errors.AsType[*wire.Error](err); ok && refused.Code == wire.CodeOf(kerr.UnsupportedVersion) && since > speaks {
				continue
			}
			if err != nil || since > speaks {
				t.Fatalf("%s for version %d came with %d: %v", name, speaks, since, err)
			}
			fmt.Fprintf(&b, "%s\n", body)
		}
		matches(t, fmt.Sprintf("commands-%d.golden", speaks), b.String(),
			"A node that speaks that version refuses what it does not know: give a new command its version in commandTypes, and a new field one by grown.")
	}
}

// Of a result there is one form.
func TestBytesOfResults(t *testing.T) {
	results := zeros(t, resultTypes)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(results)) {
		body, err := EncodeResult(sampled(results[name]), nil)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", body)
	}
	matches(t, "results.golden", b.String(),
		"A node refuses a field that it does not know: one that is added to a result has the tag omitzero, and is set only where the command has a field that came with it.")
}

func TestACommandIsEncodedForWhoIsAsked(t *testing.T) {
	c := register(1, 1)
	f := func(speaks, since model.Protocol, supports meta.Range) {
		t.Helper()
		b, got, err := EncodeCommand(c, speaks)
		if err != nil || got != since {
			t.Fatalf("%d: %d, %v", speaks, got, err)
		}
		decoded, err := DecodeCommand(b)
		if want := c; err != nil {
			t.Fatal(err)
		} else if want.Supports = supports; !reflect.DeepEqual(decoded, Command(want)) {
			t.Errorf("%d: %+v, want %+v", speaks, decoded, want)
		}
	}
	f(model.Protocol1, model.Protocol1, meta.Range{})
	f(model.Protocol2, model.Protocol2, meta.Supported)
	c.Supports = meta.Range{}
	f(model.Protocol2, model.Protocol1, meta.Range{})
}
