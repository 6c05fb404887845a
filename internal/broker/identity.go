package broker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/magiconair/properties"

	"github.com/chronik/chronik/internal/model"
)

// metaFile tells whose directory this is, in Kafka's format with some names more, which
// Kafka does not look at:
//
//	version=1
//	software=chronik
//	cluster.id=4L6g3nShT-eMCtK--X86sw
//	node.id=1
//	directory.id=0T2Lw2m4QpaI3uE9v8T1yQ
//
// A directory of Kafka's lacks the second. Without that, chronik would begin a new
// metadata log beside Kafka's partitions, or on top of Kafka's own.
//
// A node with log directories besides its data directory has version 2, so that a build
// that does not know of them does not begin their partitions anew. The data directory
// names each, and where it was when the node was last started:
//
//	log.directory.dE5xW2vLQ7mTq1kq0pJ9bw=/disk2/chronik
//
// and each of them says that it is one:
//
//	directory.role=log
const (
	metaFile     = "meta.properties"
	software     = "chronik"
	logRole      = "log"
	logDirPrefix = "log.directory."
	// givenUp stands for the path of a log directory whose disk is lost; a person writes it.
	givenUp = "lost"

	metaBytesMax = 64 << 10
)

// identity is what metaFile says.
type identity struct {
	cluster string // "": not known yet
	node    model.NodeID
	id      model.DirectoryID
	// log: it is a log directory, and not the data directory.
	log bool
	// logs are the paths of the log directories by their ids, of a data directory.
	logs map[model.DirectoryID]string
}

var errNotChronik = errors.New("it has no software=" + software)

func parseIdentity(text []byte) (identity, error) {
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(text)
	if err != nil {
		return identity{}, fmt.Errorf("it is not a properties file: %w", err)
	}
	if version := p.GetString("version", ""); version != "1" && version != "2" {
		return identity{}, fmt.Errorf("it has version %q, and this build reads 1 and 2; is the directory another program's?", version)
	}
	if p.GetString("software", "") != software {
		return identity{}, errNotChronik
	}
	node, err := strconv.ParseInt(p.GetString("node.id", ""), 10, 32)
	if err != nil {
		return identity{}, fmt.Errorf("node.id: %w", err)
	}
	i := identity{cluster: p.GetString("cluster.id", ""), node: model.NodeID(node), logs: make(map[model.DirectoryID]string)}
	if i.id, err = model.ParseUUID(p.GetString("directory.id", "")); err != nil {
		return identity{}, fmt.Errorf("directory.id: %w", err)
	}
	switch role := p.GetString("directory.role", ""); role {
	case "":
	case logRole:
		i.log = true
	default:
		return identity{}, fmt.Errorf("directory.role is %q, and this build knows %s", role, logRole)
	}
	for _, name := range p.Keys() {
		text, ok := strings.CutPrefix(name, logDirPrefix)
		if !ok {
			continue
		}
		id, err := model.ParseUUID(text)
		if err != nil {
			return identity{}, fmt.Errorf("%s: %w", name, err)
		}
		i.logs[id] = p.GetString(name, "")
	}
	return i, nil
}

func (i *identity) format() []byte {
	var b strings.Builder
	version := 1
	if i.log || len(i.logs) > 0 {
		version = 2
	}
	fmt.Fprintf(&b, "version=%d\nsoftware=%s\n", version, software)
	if i.cluster != "" {
		fmt.Fprintf(&b, "cluster.id=%s\n", escapeProperty(i.cluster))
	}
	fmt.Fprintf(&b, "node.id=%d\ndirectory.id=%s\n", i.node, i.id)
	if i.log {
		fmt.Fprintf(&b, "directory.role=%s\n", logRole)
	}
	ids := slices.SortedFunc(maps.Keys(i.logs), func(a, b model.DirectoryID) int { return strings.Compare(a.String(), b.String()) })
	for _, id := range ids {
		fmt.Fprintf(&b, "%s%s=%s\n", logDirPrefix, id, escapeProperty(i.logs[id]))
	}
	return []byte(b.String())
}

// escapeProperty writes a value so that it is read as it is.
func escapeProperty(value string) string {
	escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`).Replace(value)
	if strings.HasPrefix(escaped, " ") {
		escaped = `\` + escaped
	}
	return escaped
}
