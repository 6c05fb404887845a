package archtest

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Layer is how far above the ground a package stands. A package imports packages of
// lower layers only, and those of its own layer that its row names.
type Layer int

// Layers by name. The numbers are those of ARCHITECTURE.md.
const (
	layerModel       Layer = iota // numbers and names, quorums, the file system
	layerFormat                   // what is on the wire, in the log and in settings
	layerStorage                  // one partition's log
	layerMetadata                 // the cluster's metadata and its quorum
	layerReplication              // partitions and their replicas
	layerCoordinator              // groups and transactions
	layerRequests                 // connections and requests
	layerProcess                  // configuration and composition
	layerCommand                  // main packages and whole-broker tests
)

// Row says where a package stands.
type Row struct {
	Package string // directory, from the module's root
	Layer   Layer
	Beside  []string // packages of the same layer that it may import
	Alone   bool     // imports nothing of the project but what Beside names, as any client of a broker
}

// layers is the table. Think of the arrows before changing it: a new edge upwards or
// sideways makes two packages one.
func layers() []Row {
	return slices.Concat(brokerLayers(), benchLayers(), interopLayers())
}

// brokerLayers are the broker, and what runs it.
func brokerLayers() []Row {
	return []Row{
		{Package: "internal/model", Layer: layerModel},
		{Package: "internal/isr", Layer: layerModel},
		{Package: "internal/vfs", Layer: layerModel},
		{Package: "internal/histogram", Layer: layerModel},
		{Package: "internal/plant", Layer: layerModel},

		{Package: "internal/certificate", Layer: layerFormat},
		{Package: "internal/certificate/certtest", Layer: layerFormat},
		{Package: "internal/record", Layer: layerFormat},
		{Package: "internal/settings", Layer: layerFormat},
		{Package: "internal/wire", Layer: layerFormat},
		{Package: "internal/wire/schemagen", Layer: layerFormat, Beside: []string{"internal/wire"}},

		{Package: "internal/storage", Layer: layerStorage},

		{Package: "internal/balance", Layer: layerStorage},

		{Package: "internal/meta", Layer: layerMetadata},
		{Package: "internal/controller", Layer: layerMetadata, Beside: []string{"internal/meta"}},
		{Package: "internal/quorum", Layer: layerMetadata, Beside: []string{"internal/meta", "internal/controller"}},
		{Package: "internal/quorum/storetest", Layer: layerMetadata, Beside: []string{"internal/meta", "internal/quorum"}},

		{Package: "internal/replica", Layer: layerReplication},
		{Package: "internal/throttle", Layer: layerReplication},
		{Package: "internal/partition", Layer: layerReplication, Beside: []string{"internal/replica"}},
		{Package: "internal/peer", Layer: layerReplication},
		{Package: "internal/replication", Layer: layerReplication, Beside: []string{"internal/replica", "internal/partition", "internal/throttle"}},
		{Package: "internal/membership", Layer: layerReplication, Beside: []string{"internal/replica", "internal/partition", "internal/peer"}},

		{Package: "internal/coordinator", Layer: layerCoordinator},
		{Package: "internal/coordinator/group", Layer: layerCoordinator, Beside: []string{"internal/coordinator"}},

		{Package: "internal/server", Layer: layerRequests},
		{Package: "internal/api", Layer: layerRequests, Beside: []string{"internal/server"}},

		{Package: "internal/config", Layer: layerProcess},
		{Package: "internal/metrics", Layer: layerProcess},
		{Package: "internal/admin", Layer: layerProcess, Beside: []string{"internal/metrics"}},
		{Package: "internal/broker", Layer: layerProcess, Beside: []string{"internal/config", "internal/metrics", "internal/admin"}},

		{Package: "internal/localcluster", Layer: layerProcess},
		{Package: "internal/balance/remote", Layer: layerProcess},
		{Package: "internal/membership/remote", Layer: layerProcess},
		{Package: "internal/sim", Layer: layerProcess},

		{Package: "cmd/chronik-server", Layer: layerCommand, Beside: []string{"internal/bench/access"}},
		{Package: "cmd/chronik-sim", Layer: layerCommand},
		{Package: "internal/ports", Layer: layerCommand, Alone: true},
		{Package: "internal/brokertest", Layer: layerCommand, Beside: []string{"internal/ports"}},
		{Package: "internal/explore", Layer: layerCommand},
		{Package: "cmd/chronik-explore", Layer: layerCommand, Beside: []string{"internal/explore"}},

		{Package: "internal/archtest", Layer: layerCommand, Alone: true},
	}
}

// benchLayers are chronik-bench, which knows brokers from outside.
func benchLayers() []Row {
	return []Row{
		{Package: "internal/bench/result", Layer: layerCommand, Alone: true},
		{Package: "internal/bench/payload", Layer: layerCommand, Alone: true},
		{Package: "internal/bench/measure", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/result"}},
		{Package: "internal/bench/verify", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/payload", "internal/bench/result"}},
		{Package: "internal/bench/machine", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/result"}},
		{Package: "internal/bench/requirement", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/result"}},
		{Package: "internal/bench/access", Layer: layerCommand, Alone: true, Beside: []string{"internal/certificate"}},
		{Package: "internal/bench/target", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/result"}},
		{Package: "internal/bench/load", Layer: layerCommand, Alone: true,
			Beside: []string{"internal/bench/measure", "internal/bench/payload", "internal/bench/result", "internal/bench/verify"}},
		{Package: "internal/bench/output", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/result"}},
		{Package: "internal/bench", Layer: layerCommand, Alone: true,
			Beside: []string{"internal/bench/load", "internal/bench/machine", "internal/bench/payload", "internal/bench/requirement", "internal/bench/result",
				"internal/bench/target", "internal/bench/verify"}},
		{Package: "cmd/chronik-bench", Layer: layerCommand, Alone: true,
			Beside: []string{"internal/bench", "internal/bench/access", "internal/bench/comparison", "internal/bench/limits", "internal/bench/load", "internal/bench/machine",
				"internal/bench/nodes", "internal/bench/output", "internal/bench/payload", "internal/bench/report", "internal/bench/requirement",
				"internal/bench/result"}},
		{Package: "internal/bench/report", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/result"}},
		{Package: "internal/bench/comparison", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/limits", "internal/bench/result", "internal/bench/report"}},
		{Package: "internal/bench/nodes", Layer: layerCommand, Alone: true,
			Beside: []string{"internal/bench/comparison", "internal/bench/report", "interop/cluster", "interop/command", "interop/exchange", "interop/install",
				"interop/kafka", "interop/process"}},
		{Package: "internal/bench/limits", Layer: layerCommand, Alone: true, Beside: []string{"internal/vfs"}},
	}
}

// interopLayers are what drives other people's clients and brokers.
func interopLayers() []Row {
	return []Row{
		{Package: "interop/command", Layer: layerCommand, Alone: true},
		{Package: "interop/checks", Layer: layerCommand, Alone: true, Beside: []string{"interop/command"}},
		{Package: "interop/install", Layer: layerCommand, Alone: true, Beside: []string{"interop/command"}},
		{Package: "interop/kafka", Layer: layerCommand, Alone: true, Beside: []string{"interop/command", "interop/install"}},
		{Package: "interop/nets", Layer: layerCommand, Alone: true},
		{Package: "interop", Layer: layerCommand, Alone: true,
			Beside: []string{"interop/command", "interop/checks", "interop/install", "interop/kafka", "interop/cluster", "interop/steady"}},
		{Package: "interop/steady", Layer: layerCommand, Alone: true},
		{Package: "interop/cluster", Layer: layerCommand, Alone: true, Beside: []string{"internal/ports", "interop/command", "interop/kafka"}},
		{Package: "interop/acceptance", Layer: layerCommand, Alone: true,
			Beside: []string{"interop/command", "interop/checks", "interop/install", "interop/kafka", "interop/cluster"}},
		{Package: "interop/failover", Layer: layerCommand, Alone: true,
			Beside: []string{"internal/bench/machine", "interop/command", "interop/install", "interop/kafka", "interop/cluster", "interop/nets"}},
		{Package: "interop/catchup", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/machine", "interop/cluster"}},
		{Package: "interop/guard", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/machine"}},
		{Package: "interop/profile", Layer: layerCommand, Alone: true,
			Beside: []string{"interop/cluster", "internal/bench/load", "internal/bench/machine", "internal/bench/payload", "internal/bench/target"}},
		{Package: "interop/process", Layer: layerCommand, Alone: true},
		{Package: "interop/exchange", Layer: layerCommand, Alone: true},
		{Package: "interop/figures", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/machine", "interop/cluster", "interop/exchange", "interop/process"}},
		{Package: "interop/figures/many", Layer: layerCommand, Alone: true, Beside: []string{"internal/bench/machine", "interop/cluster", "interop/process"}},
		{Package: "interop/figures/metadata", Layer: layerCommand, Beside: []string{"internal/bench/machine"}},
		{Package: "interop/stress/meter", Layer: layerCommand, Alone: true, Beside: []string{"interop/process"}},
		{Package: "interop/stress/crowd", Layer: layerCommand, Alone: true},
		{Package: "interop/stress", Layer: layerCommand, Alone: true,
			Beside: []string{"internal/bench/load", "internal/bench/machine", "internal/bench/output", "internal/bench/payload", "internal/bench/result",
				"internal/bench/target", "internal/bench/verify", "interop/cluster", "interop/command", "interop/install", "interop/kafka",
				"interop/process", "interop/stress/crowd", "interop/stress/meter"}},
		{Package: "interop/faults/history", Layer: layerCommand, Alone: true},
		{Package: "interop/faults/checker", Layer: layerCommand, Alone: true, Beside: []string{"interop/faults/history"}},
		{Package: "interop/faults/disk", Layer: layerCommand, Alone: true},
		{Package: "interop/faults/mount", Layer: layerCommand, Alone: true, Beside: []string{"interop/faults/disk"}},
		{Package: "interop/faults/plan", Layer: layerCommand, Alone: true},
		{Package: "interop/faults/rot", Layer: layerCommand, Alone: true},
		{Package: "interop/faults/admin", Layer: layerCommand, Alone: true},
		{Package: "interop/faults/load", Layer: layerCommand, Alone: true, Beside: []string{"interop/faults/history"}},
		{Package: "interop/faults/cluster", Layer: layerCommand, Alone: true,
			Beside: []string{"interop/faults/disk", "interop/faults/mount", "interop/nets"}},
		{Package: "interop/faults", Layer: layerCommand, Alone: true,
			Beside: []string{"interop/install", "interop/kafka", "interop/faults/admin", "interop/faults/checker", "interop/faults/cluster", "interop/faults/disk",
				"interop/faults/history", "interop/faults/load", "interop/faults/mount", "interop/nets", "interop/faults/plan",
				"interop/faults/rot"}},
	}
}

// Restriction keeps an import to the packages that need it.
type Restriction struct {
	Import string // a path, or one that ends with /... for all below it
	Only   []string
	Why    string
}

func restrictions() []Restriction {
	return []Restriction{
		{"go.etcd.io/raft/v3/...", []string{"internal/quorum"}, "the rest knows images, not Raft"},
		{"github.com/spf13/cobra", []string{"cmd/chronik-bench", "cmd/chronik-server"}, "commands are thin; the work is below them"},
		{"github.com/knadh/koanf/...", []string{"internal/config"}, "config alone reads flags, environment and files"},
		{"github.com/twmb/franz-go/pkg/kgo", []string{"internal/balance/remote", "internal/bench", "internal/bench/load", "internal/bench/target", "internal/bench/verify", "internal/brokertest", "internal/membership/remote", "interop/catchup", "interop/cluster", "interop/failover", "interop/faults/admin", "interop/faults/load", "interop/figures/many", "interop/profile", "interop/steady", "interop/stress"}, "a broker is no client"},
		{"github.com/twmb/franz-go/pkg/kadm", []string{"internal/balance/remote", "internal/bench/target", "internal/brokertest", "interop/catchup", "interop/failover", "interop/faults/admin", "interop/faults/load", "interop/figures/many"}, "a broker is no client"},
		{"github.com/prometheus/...", nil, "its init costs a start; see docs/adr/0007"},
		{"net/http/...", []string{"internal/admin", "interop/figures/many", "interop/profile", "interop/stress/meter"}, "Kafka's protocol is not HTTP, but the admin listener's"},
		{"github.com/hanwen/go-fuse/v2/...", []string{"interop/faults/mount"}, "the disk below it can be tested without a mount"},
		{"unsafe", nil, "bytes are bytes"},
		{"log", nil, "logs go to an injected slog.Logger"},
	}
}

// pure packages decide and do not act: no disk, no socket, no process.
func pure() []string {
	return []string{"internal/model", "internal/isr", "internal/settings", "internal/meta", "internal/controller", "internal/replica", "internal/throttle",
		"interop/faults/checker", "interop/faults/plan"}
}

// Imports checks that arrows point down. Tests may import what they need.
func Imports(t *Tree) []Problem {
	return importsBy(t, layers(), restrictions(), pure())
}

func importsBy(t *Tree, table []Row, limits []Restriction, pure []string) []Problem {
	rows := map[string]Row{}
	packages := t.packages()
	var found []Problem
	for _, r := range table {
		rows[r.Package] = r
		if packages[r.Package] == nil && !t.onlyTests(r.Package) {
			found = append(found, Problem{Path: r.Package, What: "has a row in the table of layers, and is not there"})
		}
	}
	for _, f := range t.Go {
		if f.Test {
			continue
		}
		row, known := rows[f.Dir()]
		if !known {
			found = append(found, Problem{Path: f.Path, What: "package is not in the table of layers: give it a row"})
			continue
		}
		for _, spec := range f.Syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has seen to that
			}
			if why := forbidden(row, imported, rows, limits, pure); why != "" {
				found = append(found, Problem{Path: f.Path, Line: t.line(spec.Pos()), What: why})
			}
		}
		if slices.Contains(pure, row.Package) {
			found = append(found, t.networking(f)...)
		}
	}
	return found
}

// networking finds what reaches out with package net, as opposed to what takes addresses apart.
func (t *Tree) networking(f GoFile) []Problem {
	acts := regexp.MustCompile(`^(Dial|Listen|Lookup|Resolve|FileConn|FileListener|Interface)`)
	var found []Problem
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "net" && acts.MatchString(selector.Sel.Name) {
			found = append(found, Problem{Path: f.Path, Line: t.line(n.Pos()), What: "net." + selector.Sel.Name + " acts; this package decides"})
		}
		return true
	})
	return found
}

// forbidden says why a package may not import another, or nothing.
func forbidden(row Row, imported string, rows map[string]Row, limits []Restriction, pure []string) string {
	if below, ours := strings.CutPrefix(imported, modulePath+"/"); ours {
		target, known := rows[below]
		switch {
		case !known:
			return fmt.Sprintf("imports %s, which is not in the table of layers", below)
		case row.Alone && !slices.Contains(row.Beside, below):
			return fmt.Sprintf("imports %s; %s imports nothing of the project", below, row.Package)
		case target.Layer < row.Layer || slices.Contains(row.Beside, below):
			return ""
		default:
			return fmt.Sprintf("imports %s of layer %d from layer %d", below, target.Layer, row.Layer)
		}
	}
	for _, limit := range limits {
		prefix, whole := strings.CutSuffix(limit.Import, "/...")
		if (imported == prefix || whole && strings.HasPrefix(imported, prefix+"/")) && !slices.Contains(limit.Only, row.Package) {
			return fmt.Sprintf("imports %s: %s", imported, limit.Why)
		}
	}
	if slices.Contains(pure, row.Package) && slices.Contains([]string{"os", "os/exec", "syscall", "net/http"}, imported) {
		return fmt.Sprintf("imports %s; %s decides and does not act", imported, row.Package)
	}
	return ""
}
