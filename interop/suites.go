package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// suite is a named list of checks.
type suite struct {
	name    string
	install func(context.Context, *tools) error
	run     func(*suiteRun)
	stage   stage
}

// stage is when a suite runs, and against what.
type stage uint8

const (
	oneNode stage = iota
	// stoppedNode suites look at the node that has been stopped, and so run after those.
	stoppedNode
	// threeNodes suites share a cluster, of which each begins with another node.
	threeNodes
	// ownNodes suites start the nodes that they need.
	ownNodes
)

// suites lists everything there is, of each stage longest first, so that what runs
// beside it fits in its time.
func suites() []suite {
	return []suite{
		{name: "kafka-tools", install: installKafka, run: runKafkaTools},
		{name: "java", install: installJavaClient, run: runJavaClient},
		{name: "python", install: installPython, run: runPython},
		{name: "kafka-3.9", install: installOldKafka, run: runOldKafkaTools},
		{name: "kcat", install: installKcat, run: runKcat},
		{name: "kafkajs", install: installKafkaJS, run: runKafkaJS},
		{name: "dump-log", install: installKafka, run: runDumpLog, stage: stoppedNode},
		{name: "restart", install: installKafka, run: runRestart, stage: stoppedNode},
		{name: "three-python", install: installPython, run: runPython, stage: threeNodes},
		{name: "three-java", install: installJavaClient, run: runJavaClient, stage: threeNodes},
		{name: "three-kcat", install: installKcat, run: runKcat, stage: threeNodes},
		{name: "three-kafkajs", install: installKafkaJS, run: runKafkaJS, stage: threeNodes},
		{name: "upgrade", install: installPrevious, run: runUpgrade, stage: ownNodes},
		{name: "moves", install: installMoves, run: runMoves, stage: ownNodes},
		{name: "membership", install: installMoves, run: runMembership, stage: ownNodes},
		{name: "leaders", install: installLeaders, run: runLeaders, stage: ownNodes},
		{name: "logdirs", install: installMoves, run: runLogDirs, stage: ownNodes},
		{name: "racks", install: installRacks, run: runRacks, stage: ownNodes},
		{name: "cluster-tls", install: installClusterTLS, run: runClusterTLS, stage: ownNodes},
		{name: "client-tls", install: installClusterTLS, run: runClientTLS, stage: ownNodes},
		{name: "auto-address", install: installAutoAddress, run: runAutoAddress, stage: ownNodes},
	}
}

func suiteNames() []string {
	var names []string
	for _, s := range suites() {
		names = append(names, s.name)
	}
	return names
}

// chosen picks the suites to run. With a broker that is not ours there is no
// data directory to look into, nor may it be stopped; what starts nodes of its own then
// runs where it is asked for by name.
func chosen(o options) ([]suite, error) {
	for _, name := range o.suites {
		if !slices.Contains(suiteNames(), name) {
			return nil, fmt.Errorf("no suite %q; there are: %s", name, suiteNames())
		}
	}
	// What looks at a stopped broker looks for what kafka-tools left there.
	if o.dataDir == "" && (slices.Contains(o.suites, "dump-log") || slices.Contains(o.suites, "restart")) {
		o.suites = append(o.suites, "kafka-tools")
	}
	var list []suite
	for _, s := range suites() {
		switch {
		case len(o.suites) > 0 && !slices.Contains(o.suites, s.name):
		case len(o.suites) == 0 && s.stage != oneNode && o.broker != "":
		case len(o.suites) > 0 && s.name == "dump-log" && o.dataDir == "" && o.broker != "":
			return nil, errors.New("-suite dump-log of a foreign broker needs its -data-dir")
		default:
			list = append(list, s)
		}
	}
	return list, nil
}

// of are the suites of a stage.
func of(list []suite, stages ...stage) []suite {
	var some []suite
	for _, s := range list {
		if slices.Contains(stages, s.stage) {
			some = append(some, s)
		}
	}
	return some
}
