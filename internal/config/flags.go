package config

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// flagTable lists the flags that are short for a setting.
var flagTable = [...]struct {
	flag, setting, kind, usage string
	// cluster marks those of the nodes of a cluster.
	cluster bool
}{
	{"node-id", "node.id", "number", "number of this node within its cluster (default 1)", false},
	{"advertised-addr", "advertised.addr", "host", "host that clients are told to connect to; another than localhost\nalso opens every network interface; auto tells each client the\naddress that it came in by (default localhost)", false},
	{"kafka-port", "kafka.port", "port", "port that clients connect to (default 9092)", false},
	{"data-dir", "log.dir", "directory", "where the data is kept (default ./data, or the first of --log-dirs)", false},
	{"log-dirs", "log.dirs", "directory,...", "where partitions are kept, one directory for each disk\n(default the data directory)", false},
	{"raft-addr", "raft.addr", "host:port", "where the other nodes of the cluster connect to (default localhost:9192)", true},
	{"peers", "peers", "id@host:port,...", "the other nodes of the cluster, with the ports of their --raft-addr", true},
	{"bootstrap", "bootstrap", boolKind, "begin a new cluster where the data directory is empty", true},
	{"admin-addr", "admin.addr", "host:port", "where metrics, health and debug pages are served, or none\n(default localhost, 10000 above the port of clients)", false},
	{"log-level", "log.level", "level", "debug, info, warn or error (default info)", false},
	{"log-format", "log.format", "format", "text, json or auto: text on a terminal, json elsewhere (default auto)", false},
}

// boolKind is the kind of a flag that may stand without a value.
const boolKind = "bool"

// flagSetting finds the setting that a flag is short for.
func flagSetting(flag string) (string, bool) {
	for _, f := range flagTable {
		if f.flag == flag {
			return f.setting, true
		}
	}
	return "", false
}

// FlagOf finds the flag that is short for a setting, without its dashes.
func FlagOf(setting string) (string, bool) {
	for _, f := range flagTable {
		if f.setting == setting {
			return f.flag, true
		}
	}
	return "", false
}

// IsClusterFlag reports whether a flag, without its dashes, is one that
// NewClusterFlags adds and NewFlags does not.
func IsClusterFlag(flag string) bool {
	for _, f := range flagTable {
		if f.flag == flag {
			return f.cluster
		}
	}
	return false
}

// Flags are the command line's part of the configuration.
type Flags struct {
	set       *pflag.FlagSet
	file      string
	overrides []string
	// cluster: the node is one of a cluster, be it the only one.
	cluster bool
}

// NewFlags adds the flags to a flag set, which is parsed before Load.
func NewFlags(set *pflag.FlagSet) *Flags { return newFlags(set, false) }

// NewClusterFlags adds the flags of a node of a cluster, which Load then makes of
// it, be it the only one.
func NewClusterFlags(set *pflag.FlagSet) *Flags { return newFlags(set, true) }

func newFlags(set *pflag.FlagSet, cluster bool) *Flags {
	f := &Flags{set: set, cluster: cluster}
	for _, entry := range flagTable {
		if entry.cluster && !cluster {
			continue
		}
		set.Var(&flagText{kind: entry.kind}, entry.flag, entry.usage)
		if entry.kind == boolKind {
			set.Lookup(entry.flag).NoOptDefVal = "true"
		}
	}
	set.StringVar(&f.file, "config", "", "configuration `file` in the format of Kafka's server.properties")
	set.StringArrayVarP(&f.overrides, "override", "o", nil, "any setting, as `name=value`; may be repeated")
	return f
}

// flagText is a flag whose text is checked with all the other settings.
type flagText struct{ text, kind string }

func (t *flagText) String() string     { return t.text }
func (t *flagText) Set(s string) error { t.text = s; return nil }
func (t *flagText) Type() string       { return t.kind }

// read gives the layer of the flags that were given.
func (f *Flags) read() (layer, error) {
	l := make(layer)
	for _, override := range f.overrides {
		name, text, ok := strings.Cut(override, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("--override %s: write it as name=value", override)
		}
		l[name] = value{Text: text, Origin: "--override", Rank: fromFlags}
	}
	var err error
	f.set.Visit(func(given *pflag.Flag) {
		name, ok := flagSetting(given.Name)
		if !ok {
			return
		}
		l[name] = value{Text: given.Value.String(), Origin: "--" + given.Name, Rank: fromFlags}
		if strings.TrimSpace(given.Value.String()) == "" && name != adminSetting {
			err = fmt.Errorf("--%s is empty; give it a value or leave it out", given.Name)
		}
	})
	return l, err
}
