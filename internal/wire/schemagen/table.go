package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// table is what is written.
type table struct {
	requests []request
	structs  []structure
	fields   []field
}

type request struct {
	name     string
	flexible int
	valid    versions
	bytes    bool // has a field of type bytes
	root     int
}

type structure struct {
	name               string // kmsg's
	first, tagged, end int
	size               uintptr
}

type field struct {
	name           string // Kafka's
	kind, element  string
	width, sub     int
	tag            int
	pointer        bool
	valid, nullity versions
}

// floors are the first versions of the requests whose oldest ones had fields
// that the schemas have lost. All others start at version 0, also where Kafka 4
// has dropped the first versions: their fields still say "0+", and the tests
// compare the layouts that follow from it with kmsg's.
var floors = map[string]int{
	"ListOffsetsRequest":  1, // 0 had a number of offsets
	"OffsetCommitRequest": 2, // 1 had a timestamp for each partition
}

func build(messages []message) (*table, error) {
	t := &table{}
	for key := range int16(kmsg.MaxKey) + 1 {
		r, err := newRequest(key)
		if err != nil {
			return nil, err
		}
		t.requests = append(t.requests, r)
	}
	for _, m := range messages {
		if err := t.addMessage(m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return t, nil
}

// newRequest is a key without a layout, with what kmsg knows of it.
func newRequest(key int16) (request, error) {
	r := kmsg.RequestForKey(key)
	if r == nil {
		return request{}, fmt.Errorf("kmsg has no request of key %d", key)
	}
	out := request{name: kmsg.NameForKey(key), flexible: versionMax, valid: noVersions}
	for v := r.MaxVersion(); v >= 0; v-- {
		r.SetVersion(v)
		if r.IsFlexible() {
			out.flexible = int(v)
		}
	}
	return out, nil
}

func (t *table) addMessage(m message) error {
	if int(m.APIKey) >= len(t.requests) {
		return fmt.Errorf("kmsg has no key %d", m.APIKey)
	}
	r := &t.requests[m.APIKey]
	valid, err := parseVersions(m.ValidVersions)
	if err != nil {
		return err
	}
	flexible, err := parseVersions(m.FlexibleVersions)
	if err != nil {
		return err
	}
	decoder := kmsg.RequestForKey(m.APIKey)
	valid.last = min(valid.last, int(decoder.MaxVersion()))
	if flexible.first <= valid.last && flexible.first != r.flexible {
		return fmt.Errorf("flexible from %d, in kmsg from %d", flexible.first, r.flexible)
	}
	valid.first = floors[m.Name]
	r.valid = valid
	s := scope{table: t, request: r, common: map[string][]definition{}}
	for _, c := range m.CommonStructs {
		s.common[c.Name] = c.Fields
	}
	r.root, err = s.addStruct(m.Fields, reflect.TypeOf(decoder).Elem())
	return err
}

// scope is one message while it is added.
type scope struct {
	*table
	request *request
	common  map[string][]definition
}

// addStruct adds a struct and all below it, and returns its index. A struct
// that is used twice is added twice: kmsg has a type for each use.
func (s scope) addStruct(definitions []definition, decoder reflect.Type) (int, error) {
	var plain, tagged []field
	subs, err := s.subStructs(definitions, decoder)
	if err != nil {
		return 0, err
	}
	index := len(s.structs)
	s.structs = append(s.structs, structure{name: decoder.Name(), size: decoder.Size()})
	for _, d := range definitions {
		f, err := s.newField(d, subs)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", d.Name, err)
		}
		if f.tag >= 0 {
			tagged = append(tagged, f)
		} else {
			plain = append(plain, f)
		}
	}
	slices.SortFunc(tagged, func(a, b field) int { return cmp.Compare(a.tag, b.tag) })
	st := &s.structs[index]
	st.first = len(s.fields)
	st.tagged = st.first + len(plain)
	st.end = st.tagged + len(tagged)
	s.fields = append(append(s.fields, plain...), tagged...)
	return index, checkPointers(append(plain, tagged...), decoder)
}

// subStructs pairs the fields of definitions that hold structs with the kmsg
// types that decode them: by name where kmsg kept Kafka's, the rest by order.
func (s scope) subStructs(definitions []definition, decoder reflect.Type) (map[string]reflect.Type, error) {
	var goFields []reflect.StructField
	for f := range decoder.Fields() {
		if holdsStruct(f.Type) {
			goFields = append(goFields, f)
		}
	}
	subs := map[string]reflect.Type{}
	var rest []string
	for _, d := range definitions {
		if _, _, primitive := primitiveKind(strings.TrimPrefix(d.Type, "[]")); primitive {
			continue
		}
		i := slices.IndexFunc(goFields, func(f reflect.StructField) bool { return strings.EqualFold(f.Name, d.Name) })
		if i < 0 {
			rest = append(rest, d.Name)
			continue
		}
		subs[d.Name] = structType(goFields[i].Type)
		goFields = slices.Delete(goFields, i, i+1)
	}
	if len(rest) != len(goFields) {
		return nil, fmt.Errorf("%s: struct fields %v have no pairs in kmsg", decoder.Name(), rest)
	}
	for i, name := range rest {
		subs[name] = structType(goFields[i].Type)
	}
	return subs, nil
}

// structType is the struct that a field of type t holds, or t.
func structType(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func holdsStruct(t reflect.Type) bool {
	t = structType(t)
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[kmsg.Tags]()
}

func (s scope) newField(d definition, subs map[string]reflect.Type) (field, error) {
	valid, err := parseVersions(d.Versions)
	if err != nil {
		return field{}, err
	}
	nullity, err := parseVersions(d.NullableVersions)
	if err != nil {
		return field{}, err
	}
	f := field{name: d.Name, tag: -1, valid: valid, nullity: nullity, element: "kindFixed"}
	if d.Tag != nil {
		f.tag = *d.Tag
	}
	if d.FlexibleVersions != "" || (d.Tag != nil) != (d.TaggedVersions != "") || (d.Tag != nil && d.TaggedVersions != d.Versions) {
		return field{}, fmt.Errorf("flexible or tagged in part of its versions: the table cannot say that")
	}
	base, isArray := strings.CutPrefix(d.Type, "[]")
	kind, width, primitive := primitiveKind(base)
	if !primitive {
		kind = "kindStruct"
		definitions := d.Fields
		if definitions == nil {
			definitions = s.common[base]
		}
		if f.sub, err = s.addStruct(definitions, subs[d.Name]); err != nil {
			return field{}, err
		}
	}
	f.kind, f.width = kind, width
	if base == "bytes" {
		s.request.bytes = true
	}
	if isArray {
		f.kind, f.element = "kindArray", kind
	}
	f.pointer = f.kind == "kindString" && nullity != noVersions
	return f, nil
}

// primitiveKind returns the kind of a type that is not a struct, and its width
// on the wire where that is fixed.
func primitiveKind(typ string) (kind string, width int, ok bool) {
	switch typ {
	case "bool", "int8":
		return "kindFixed", 1, true
	case "int16", "uint16":
		return "kindFixed", 2, true
	case "int32", "uint32":
		return "kindFixed", 4, true
	case "int64", "float64":
		return "kindFixed", 8, true
	case "uuid":
		return "kindFixed", 16, true
	case "string":
		return "kindString", 0, true
	case "bytes", "records":
		return "kindBytes", 0, true
	}
	return "", 0, false
}

// checkPointers makes sure that kmsg can hold every nullable string behind a
// pointer, which costs a string header more. kmsg may have further ones, of
// versions newer than the schemas'.
func checkPointers(fields []field, decoder reflect.Type) error {
	want, have := 0, 0
	for _, f := range fields {
		if f.pointer {
			want++
		}
	}
	for f := range decoder.Fields() {
		if f.Type == reflect.TypeFor[*string]() {
			have++
		}
	}
	if want > have {
		return fmt.Errorf("%s has %d strings behind pointers, the schema %d", decoder.Name(), have, want)
	}
	return nil
}

func (t *table) format(jar string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by schemagen from %s; DO NOT EDIT.\n\npackage wire\n\n", jar)
	b.WriteString("// requests is indexed by API key.\n")
	fmt.Fprintf(&b, "var requests = [...]requestSchema{\n")
	for key, r := range t.requests {
		fmt.Fprintf(&b, "%d: {%d, %d, %d, %t, %d}, // %s\n", key, r.flexible, r.valid.first, r.valid.last, r.bytes, r.root, r.name)
	}
	b.WriteString("}\n\nvar structs = [...]structSchema{\n")
	for i, s := range t.structs {
		fmt.Fprintf(&b, "%d: {%d, %d, %d, %d}, // %s\n", i, s.first, s.tagged, s.end, s.size, s.name)
	}
	b.WriteString("}\n\n// fields are kind, element, width, sub, tag, pointer; versions first, last; null first, last.\n")
	b.WriteString("var fields = [...]fieldSchema{\n")
	for i, f := range t.fields {
		fmt.Fprintf(&b, "%d: {%s, %s, %d, %d, %d, %t, %d, %d, %d, %d}, // %s\n", i, f.kind, f.element, f.width, f.sub, f.tag,
			f.pointer, f.valid.first, f.valid.last, f.nullity.first, f.nullity.last, f.name)
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}
