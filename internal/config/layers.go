package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/v2"

	"github.com/chronik/chronik/internal/settings"
)

// rank orders the layers: a higher one wins.
type rank int8

const (
	fromDefault rank = iota
	fromFile
	fromEnvironment
	fromFlags
)

// value is a setting as it was given. Its fields are exported because koanf
// copies values by reflection.
type value struct {
	Text string
	// Origin is where it was given, for errors: "--kafka-port",
	// "CHRONIK_KAFKA_PORT", "server.properties:12".
	Origin string
	Rank   rank
}

// layer is what one source gives, by name.
type layer map[string]value

// Read gives koanf the layer.
func (l layer) Read() (map[string]any, error) {
	m := make(map[string]any, len(l))
	for name, v := range l {
		m[name] = v
	}
	return m, nil
}

// ReadBytes is koanf's other way to read, for sources that need a parser.
func (l layer) ReadBytes() ([]byte, error) { return nil, errors.New("a layer has no bytes") }

// given is what was given, all layers merged.
type given struct{ merged *koanf.Koanf }

// merge lays later layers over earlier ones.
func merge(layers ...layer) (given, error) {
	// Kafka's names are no tree (log.dir is a value, and so is
	// log.dir.failure.timeout.ms): the delimiter is one that no name has.
	g := given{merged: koanf.New("\n")}
	for _, l := range layers {
		if err := g.merged.Load(l, nil); err != nil {
			return given{}, fmt.Errorf("merge settings: %w", err)
		}
	}
	return g, nil
}

// get finds what was given for a name. Nothing but spaces counts as not given.
func (g given) get(name string) (value, bool) {
	v, ok := g.merged.Get(name).(value)
	return v, ok && strings.TrimSpace(v.Text) != ""
}

// names are those that were given, sorted.
func (g given) names() []string { return slices.Sorted(slices.Values(g.merged.Keys())) }

func (g given) hasAny(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := g.get(name); return ok })
}

// text is the value that counts: what was given, or the default.
func (g given) text(name string) string {
	d := definition(name)
	if v, ok := g.get(name); ok {
		return d.Normalize(v.Text)
	}
	return d.Default
}

// definition finds a setting that this package knows to exist.
func definition(name string) *settings.Definition {
	if d, ok := lookup(name); ok {
		return d
	}
	panic("config: BUG: no setting is called " + name)
}

func lookup(name string) (*settings.Definition, bool) {
	if d, ok := settings.LookupBroker(name); ok && d.Update != settings.DynamicOnly {
		return d, true
	}
	if d, ok := settings.LookupListener(name); ok {
		return d, true
	}
	return settings.LookupProcess(name)
}

// check refuses names that do not exist and values that their settings do not
// take, and sorts out those that do nothing.
func (l layer) check() ([]Ignored, error) {
	reasons := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(l)) {
		v := l[name]
		d, ok := lookup(name)
		if !ok {
			unknown := settings.UnknownBroker(name)
			if unknown.Reason == "" {
				return nil, unknownError(unknown, v.Origin)
			}
			reasons[unknown.Reason] = append(reasons[unknown.Reason], name)
			continue
		}
		if strings.TrimSpace(v.Text) == "" && (d.Null || d.Default == "" || d.Type == settings.String) {
			continue
		}
		if err := d.Validate(v.Text); err != nil {
			return nil, fmt.Errorf("%s: %w", v.Origin, err)
		}
	}
	var ignored []Ignored
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		ignored = append(ignored, Ignored{Reason: reason, Names: reasons[reason]})
	}
	return ignored, nil
}

func unknownError(e *settings.UnknownError, origin string) error {
	if e.Nearest != "" {
		return fmt.Errorf("unknown setting %s in %s; did you mean %s?", e.Name, origin, e.Nearest)
	}
	return fmt.Errorf("unknown setting %s in %s; `chronik-server config describe` lists those that exist", e.Name, origin)
}
